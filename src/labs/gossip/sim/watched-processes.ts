import type { Clock, Millis } from '../../../base/clock.js'
import { ChatError } from '../../../base/errors.js'
import { SeededRandom } from '../../../base/seeded-random.js'
import type { Port } from '../rumour.js'
import { freePorts, GossipProcesses, type NodeEvent } from './processes.js'
import { type PhaseFigures, RumourSpread } from './rumour-spread.js'
import type { GossipConditions } from './simulation.js'

/** Nodes started at a time, to limit the load. */
const STARTS_AT_ONCE = 2
/** Longest time until all nodes know the books of all others. */
const SETTLE_MS_MAX = 180_000
/** Time for the last rumours of a phase to spread. */
const SPREAD_MS = 3_000

export interface ProcessFigures {
  readonly phases: readonly PhaseFigures[]
  /** Time from the first start, and from the last restart, until every node knew a book of every other. Undefined if never. */
  readonly allKnownMs: Millis | undefined
  readonly caughtUpMs: Millis | undefined
  /** Pairs (node, origin) without a known book at the end. */
  readonly unknown: number
  readonly killed: number
  /** Nodes that exited unexpectedly. */
  readonly lost: readonly Port[]
  readonly memoryBytes: number | undefined
}

/** Runs real nodes as processes, kills and restarts some, and measures their rumours. All have exited when it settles. */
export async function watchProcesses(
  conditions: GossipConditions,
  clock: Clock,
  onProgress: (share: number, what: string) => void,
  stop: AbortSignal,
): Promise<ProcessFigures> {
  const watch = new Watch(conditions, clock, onProgress, stop)
  try {
    return await watch.run()
  } finally {
    await watch.processes.close()
  }
}

class Watch {
  readonly processes: GossipProcesses
  readonly #conditions: GossipConditions
  readonly #clock: Clock
  readonly #onProgress: (share: number, what: string) => void
  readonly #stop: AbortSignal
  readonly #random: SeededRandom
  /** The versions of each origin that each running node has reported. */
  readonly #known = new Map<Port, Map<Port, number>>()
  /** Messages that each node has sent so far, including those that are down. */
  readonly #sent = new Map<Port, number>()
  #sentBefore = 0
  #courses: RumourSpread | undefined
  #isPublishing = false

  constructor(
    conditions: GossipConditions,
    clock: Clock,
    onProgress: (share: number, what: string) => void,
    stop: AbortSignal,
  ) {
    const { fanout, ttl, repeat, pullMs, everyMs, nodes } = conditions
    this.#conditions = conditions
    this.#clock = clock
    this.#onProgress = onProgress
    this.#stop = stop
    this.#random = new SeededRandom(conditions.seed, 'processes')
    const args = [
      ...(Number.isFinite(fanout) ? ['--fanout', fanout] : []),
      ...['--ttl', ttl, '--repeat', repeat, '--pull', pullMs / 1_000, '--every', everyMs / 1_000],
      ...['--peers', Math.max(1, nodes)],
    ]
    this.processes = new GossipProcesses(args.map(String), event => this.#note(event))
  }

  async run(): Promise<ProcessFigures> {
    const { nodes, kill } = this.#conditions
    const ports = await freePorts(nodes, this.#random.number())
    if (ports.length < nodes)
      throw new ChatError('SWARM_PORT_TAKEN', `fewer than ${nodes} ports are free`, {
        hint: 'Simulate fewer processes.',
      })
    const startedAtMs = this.#clock.now()
    const [first = 0, ...others] = ports
    await this.#start([first], undefined, 'starting')
    await this.#start(others, first, 'starting')
    const isSettled = await this.#settled(ports, 'until all know all')
    const allKnownMs = isSettled ? this.#clock.now() - startedAtMs : undefined
    const phases = [await this.#phase('all up')]
    const memoryBytes = await this.processes.memoryBytes()
    let caughtUpMs: Millis | undefined
    const killed = this.#drawn(others, Math.round(kill * nodes))
    if (killed.length > 0) {
      for (const port of killed) await this.#kill(port)
      phases.push(await this.#phase('some killed'))
      await this.#start(killed, first, 'starting again')
      const restartedAtMs = this.#clock.now()
      if (await this.#settled(ports, 'until all know all again')) caughtUpMs = this.#clock.now() - restartedAtMs
      phases.push(await this.#phase('started again'))
    }
    const unknown = this.#unknownOf(ports)
    const { lost } = this.processes
    return { phases, allKnownMs, caughtUpMs, unknown, killed: killed.length, lost, memoryBytes }
  }

  async #start(ports: readonly Port[], bootstrap: Port | undefined, what: string): Promise<void> {
    const waiting = [...ports]
    const next = async (): Promise<void> => {
      for (let port = waiting.shift(); port !== undefined; port = waiting.shift()) {
        this.#stop.throwIfAborted()
        this.#known.set(port, new Map())
        this.#sent.set(port, 0)
        await this.processes.start(port, bootstrap)
        this.#onProgress((ports.length - waiting.length) / ports.length, what)
      }
    }
    await Promise.all(Array.from({ length: STARTS_AT_ONCE }, next))
  }

  async #kill(port: Port): Promise<void> {
    await this.processes.kill(port)
    this.#sentBefore += this.#sent.get(port) ?? 0
    this.#sent.delete(port)
    this.#known.delete(port)
  }

  /** Whether every node knows a book of every other. */
  async #settled(ports: readonly Port[], what: string): Promise<boolean> {
    const pairs = ports.length * (ports.length - 1)
    const untilMs = this.#clock.now() + SETTLE_MS_MAX
    for (;;) {
      const unknown = this.#unknownOf(ports)
      this.#onProgress(1 - unknown / Math.max(1, pairs), what)
      if (unknown === 0) return true
      if (this.#clock.now() >= untilMs || this.processes.lost.length > 0) return false
      await this.#wait(200)
    }
  }

  #unknownOf(ports: readonly Port[]): number {
    let unknown = 0
    for (const port of ports) {
      const known = this.#known.get(port)
      for (const origin of ports) if (origin !== port && !known?.has(origin)) unknown++
    }
    return unknown
  }

  /** Measures rumours about roughly one book per node until they have spread. */
  async #phase(name: string): Promise<PhaseFigures> {
    const { everyMs, pullMs, repeat, ttl } = this.#conditions
    const spreadMs = SPREAD_MS + Math.min(4 * pullMs, everyMs) + (repeat > 1 ? Math.min(ttl, repeat) * 1_000 : 0)
    const courses = new RumourSpread(pullMs > 0)
    const before = this.#allSent()
    const startMs = this.#clock.now()
    this.#courses = courses
    this.#isPublishing = true
    await this.#pass(startMs, everyMs, spreadMs, name)
    // Approximate, because nodes report their message counts only once a second.
    const messages = this.#allSent() - before
    this.#isPublishing = false
    await this.#pass(startMs + everyMs, spreadMs, 0, name)
    this.#courses = undefined
    return courses.figures(name, this.processes.ports.length, messages)
  }

  async #pass(startMs: Millis, durationMs: Millis, moreMs: Millis, what: string): Promise<void> {
    for (;;) {
      const passedMs = this.#clock.now() - startMs
      if (passedMs >= durationMs) return
      if (moreMs > 0) this.#onProgress(passedMs / (durationMs + moreMs), what)
      await this.#wait(Math.min(500, durationMs - passedMs))
    }
  }

  #note(event: NodeEvent): void {
    if (event.event === 'status') {
      if (this.#sent.has(event.port)) this.#sent.set(event.port, event.sent)
      return
    }
    const { port, origin, version, ttl, time } = event
    const known = this.#known.get(port)
    if (known === undefined) return
    if (port === origin) {
      if (this.#isPublishing) this.#courses?.published(origin, version, this.processes.ports.length - 1, time)
    } else {
      this.#courses?.received(port, origin, version, this.#conditions.ttl - ttl + 1, time)
      known.set(origin, version)
    }
  }

  #allSent(): number {
    return [...this.#sent.values()].reduce((sum, sent) => sum + sent, this.#sentBefore)
  }

  #drawn(ports: readonly Port[], count: number): Port[] {
    const left = [...ports]
    return Array.from({ length: Math.min(count, left.length) }, () =>
      left.splice(this.#random.whole(0, left.length - 1), 1),
    ).flat()
  }

  #wait(ms: Millis): Promise<void> {
    return new Promise((resolve, reject) => {
      const onStop = (): void => {
        cancel()
        reject(this.#stop.reason)
      }
      const cancel = this.#clock.after(ms, () => {
        this.#stop.removeEventListener('abort', onStop)
        resolve()
      })
      if (this.#stop.aborted) onStop()
      else this.#stop.addEventListener('abort', onStop, { once: true })
    })
  }
}
