import type { Millis } from '../../../base/clock.js'
import { SeededRandom } from '../../../base/seeded-random.js'
import { type Effect, GossipNode, TICK_MS } from '../gossip-node.js'
import { type Port, type Rumour, uuidOf } from '../rumour.js'
import { Calendar } from './calendar.js'
import { type PhaseFigures, RumourSpread } from './rumour-spread.js'

/** Distinct moments of a second at which nodes tick. */
const TICK_GROUPS = 20
/** Time until a request to a dead node fails: its port refuses at once. */
const REFUSED_MS = 1
/** Time from the restart of killed nodes to the next phase: they are probed within 30 s. */
const RETURN_MS = 35_000
/** Default number of pairs (rumour, node) per phase, bounded by memory. */
const PAIRS_MAX = 1_000_000

export interface GossipConditions {
  readonly seed: number
  readonly nodes: number
  readonly fanout: number
  readonly ttl: number
  readonly repeat: number
  readonly pullMs: Millis
  /** Time in which the rumours of one phase are published. */
  readonly everyMs: Millis
  /** Share of the nodes that are killed and restarted. */
  readonly kill: number
}

export interface GossipSimulationOptions extends GossipConditions {
  /** Rumours per phase, each from a different node. Default: one from each node, or as many as memory allows. */
  readonly rumours?: number | undefined
  /** Number of random peers that each node knows. */
  readonly view: number
  readonly delayMsMin: Millis
  readonly delayMsMax: Millis
  /** Share of requests that fail. */
  readonly loss: number
}

/** Rumours per phase. */
const rumoursOf = ({ rumours, nodes, repeat }: GossipSimulationOptions): number =>
  Math.min(nodes, rumours ?? Math.max(1, Math.floor(PAIRS_MAX / nodes / (repeat > 1 ? 10 : 1))))

export interface GossipFigures {
  readonly phases: readonly PhaseFigures[]
  readonly virtualMs: Millis
  readonly steps: number
}

/** Simulates real nodes without HTTP: all running, then some killed, then those restarted. */
export function simulateGossip(
  options: GossipSimulationOptions,
  onProgress: (share: number) => void = () => {},
): GossipFigures {
  const network = new GossipNetwork(options, onProgress)
  const phases = [network.phase('all up')]
  if (options.kill > 0) {
    const killed = network.kill(options.kill)
    phases.push(network.phase('some killed'))
    network.restart(killed)
    phases.push(network.phase('started again'))
  }
  return { phases, virtualMs: network.time.now, steps: network.steps }
}

class GossipNetwork {
  readonly time = new Calendar()
  steps = 0
  readonly #options: GossipSimulationOptions
  readonly #onProgress: (share: number) => void
  readonly #nodes: GossipNode[] = []
  /** The run number of each node; requests to an earlier run fail. 0 if it is down. */
  readonly #runs: number[] = []
  readonly #networkRandom: SeededRandom
  readonly #nodeRandom: SeededRandom
  #courses = new RumourSpread()
  #uuids = 0
  #done = 0

  constructor(options: GossipSimulationOptions, onProgress: (share: number) => void) {
    this.#options = options
    this.#onProgress = onProgress
    this.#networkRandom = new SeededRandom(options.seed, 'network')
    this.#nodeRandom = new SeededRandom(options.seed, 'nodes')
    for (let port = 0; port < options.nodes; port++) this.#start(port)
    const groups = this.#isInRounds ? 1 : TICK_GROUPS
    for (let group = 0; group < groups; group++) this.#tickGroup(group, groups, (group / groups) * TICK_MS)
  }

  /** Publishes rumours and waits until they cannot spread further. */
  phase(name: string): PhaseFigures {
    const { everyMs, kill, pullMs } = this.#options
    this.#courses = new RumourSpread(pullMs > 0)
    const up = this.#up()
    const before = this.#sent()
    const start = Math.ceil(this.time.now / TICK_MS) * TICK_MS
    for (const port of this.#drawn(up, rumoursOf(this.#options))) {
      const atMs = this.#isInRounds
        ? start + this.#networkRandom.whole(0, Math.floor(everyMs / TICK_MS) - 1) * TICK_MS
        : start + this.#networkRandom.between(0, everyMs)
      this.time.after(atMs - this.time.now, () => this.#publish(port, up.length))
    }
    const end = start + everyMs + this.#spreadMs
    const total = kill > 0 ? 3 : 1
    let shown = this.time.now
    while (this.time.step(end)) {
      this.steps++
      if (this.time.now - shown < 500) continue
      shown = this.time.now
      this.#onProgress((this.#done + (shown - start) / (end - start)) / total)
    }
    this.#done++
    return this.#courses.figures(name, up.length, this.#sent() - before)
  }

  kill(share: number): Port[] {
    const killed = this.#drawn(this.#up(), Math.round(share * this.#options.nodes))
    for (const port of killed) this.#runs[port] = -Math.abs(this.#runs[port] ?? 1)
    return killed
  }

  /** Restarts nodes and lets them find peers. */
  restart(ports: readonly Port[]): void {
    for (const port of ports) this.#start(port)
    const settledMs = this.time.now + RETURN_MS
    while (this.time.step(settledMs)) this.steps++
  }

  #start(port: Port): void {
    const { nodes, fanout, ttl, repeat, pullMs, view } = this.#options
    const node = new GossipNode({ port, fanout, ttl, repeat, pullMs, peersMax: view }, this.#nodeRandom)
    const peers = new Set<Port>()
    if (view >= nodes - 1) for (let peer = 0; peer < nodes; peer++) peers.add(peer)
    else while (peers.size <= view) peers.add(this.#networkRandom.whole(0, nodes - 1))
    node.peers.meet(peers)
    this.#nodes[port] = node
    const run = Math.abs(this.#runs[port] ?? 0) + 1
    this.#runs[port] = run
    // As in the real program, a node chooses a book, the payload of its rumours, when it starts. Only those of restarted nodes are sent.
    if (run > 1) this.#perform(port, node.choose('a book', this.#uuid(), this.time.now))
  }

  /** With a constant delay, events happen in rounds, as in theory. */
  get #isInRounds(): boolean {
    return this.#options.delayMsMin === this.#options.delayMsMax
  }

  /** Time for the last rumour to spread. */
  get #spreadMs(): Millis {
    const { ttl, repeat, pullMs, delayMsMax, kill } = this.#options
    const hops = ttl * (delayMsMax + (repeat > 1 ? 2 * TICK_MS : 0)) + TICK_MS
    return hops + 8 * pullMs + (kill > 0 ? 5 * TICK_MS : 0)
  }

  #tickGroup(group: number, groups: number, afterMs: Millis): void {
    this.time.after(afterMs, () => {
      for (let port = group; port < this.#nodes.length; port += groups) {
        const node = this.#nodes[port]
        if (node !== undefined && this.#isUp(port)) this.#perform(port, node.tick(this.time.now))
      }
      this.#tickGroup(group, groups, TICK_MS)
    })
  }

  #publish(port: Port, up: number): void {
    const node = this.#nodes[port]
    if (node === undefined || !this.#isUp(port)) return
    const effects = node.choose('a book', this.#uuid(), this.time.now)
    const version = node.rumours.newest(port)?.rumour.version ?? 1
    this.#courses.published(port, version, up - 1, this.time.now)
    this.#perform(port, effects)
  }

  #perform(port: Port, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send')
        for (const to of effect.to)
          this.#request(port, to, other => {
            const newer = this.#receive(to, other, port, [effect.rumour])
            if (newer.length > 0) this.#answer(port, node => this.#receive(port, node, undefined, newer))
          })
      else if (effect.kind === 'pull')
        this.#request(port, effect.from, other => {
          const lacked = other.lackedBy(effect.known)
          if (lacked.length > 0) this.#answer(port, node => this.#receive(port, node, undefined, lacked))
        })
      else if (effect.kind === 'ask')
        this.#request(port, effect.peer, other => {
          const known = [...other.peers.live]
          this.#answer(port, node => this.#perform(port, node.answered(effect.peer, known, this.time.now)))
        })
      else if (effect.kind === 'choose') {
        const node = this.#nodes[port]
        if (node !== undefined) this.#perform(port, node.choose('a book', this.#uuid(), this.time.now))
      }
    }
  }

  #receive(port: Port, node: GossipNode, from: Port | undefined, rumours: readonly Rumour[]): readonly Rumour[] {
    const { fresh, newer, effects } = node.receive(from, rumours, this.time.now)
    for (const { origin, version, ttl } of fresh)
      this.#courses.received(port, origin, version, this.#options.ttl - ttl + 1, this.time.now)
    this.#perform(port, effects)
    return newer
  }

  /** Delivers a request to another node, or reports its failure. */
  #request(from: Port, to: Port, action: (other: GossipNode) => void): void {
    const run = this.#runs[from]
    if (!this.#isUp(to) || (this.#options.loss > 0 && this.#networkRandom.is(this.#options.loss))) {
      this.time.after(REFUSED_MS, () => {
        const node = this.#nodes[from]
        if (node !== undefined && this.#runs[from] === run) this.#perform(from, node.failed(to, this.time.now))
      })
      return
    }
    this.time.after(this.#delayMs(), () => {
      const other = this.#nodes[to]
      if (other !== undefined && this.#isUp(to)) action(other)
    })
  }

  #answer(to: Port, action: (node: GossipNode) => void): void {
    const run = this.#runs[to]
    this.time.after(this.#isInRounds ? 0 : this.#delayMs(), () => {
      const node = this.#nodes[to]
      if (node !== undefined && this.#runs[to] === run) action(node)
    })
  }

  #delayMs(): Millis {
    const { delayMsMin, delayMsMax } = this.#options
    return this.#isInRounds ? delayMsMin : this.#networkRandom.between(delayMsMin, delayMsMax)
  }

  #isUp(port: Port): boolean {
    return (this.#runs[port] ?? 0) > 0
  }

  #up(): Port[] {
    return this.#nodes.map((_, port) => port).filter(port => this.#isUp(port))
  }

  /** Messages sent by all nodes so far, including those that are down. */
  #sent(): number {
    return this.#nodes.reduce((sum, { counts }) => sum + counts.sent, 0)
  }

  /** `count` random items. */
  #drawn(ports: readonly Port[], count: number): Port[] {
    const left = [...ports]
    for (let at = 0; at < Math.min(count, left.length); at++) {
      const other = this.#networkRandom.whole(at, left.length - 1)
      const port = left[at] as Port
      left[at] = left[other] as Port
      left[other] = port
    }
    return left.slice(0, count)
  }

  /** Counted, so that the same seed gives the same ids. */
  #uuid(): string {
    const bytes = Buffer.alloc(16)
    bytes.writeUInt32BE(++this.#uuids, 12)
    return uuidOf(bytes)
  }
}
