import type { Millis } from '../../base/clock.js'
import { SeededRandom } from '../../base/seeded-random.js'
import { type AuthorId, authorOfLog, type LogId } from '../../log/format/author.js'
import type { SignedRun } from '../../log/format/segment-plan.js'
import type { SeqRange } from '../../log/read/subscription.js'
import { RECORD_OVERHEAD_BYTES } from '../../net/sealed/records.js'
import { drainEventLoop } from '../virtual/drain-event-loop.js'
import { type NetworkOptions, VirtualNetwork } from '../virtual/network.js'
import type { SortedRows } from '../virtual/sorted-rows.js'
import { VirtualTime } from '../virtual/time.js'
import type { ByzantineFault } from './byzantine-peer.js'
import { InvariantChecker } from './invariants.js'
import { LivenessChecker } from './liveness.js'
import { SimulatedPeer } from './simulated-peer.js'

/** Start of virtual time. */
const EPOCH_MS: Millis = 1_800_000_000_000
const TRACE_LINES_MAX = 100_000
/** Steps between two checks of the buffers of all connections. */
const STEPS_PER_CHECK = 64
/** Bound for the buffer of one stream: two frames and one read. */
const CONNECTION_BYTES_MAX = 512 * 1024
/** Overhead of a frame: its record, and the number of its room. */
const SIDE_FRAME_OVERHEAD_BYTES = RECORD_OVERHEAD_BYTES + 1
/** Resolution of the measured convergence time. */
const CONVERGENCE_STEP_MS: Millis = 10

export interface WorldOptions {
  readonly seed: number
  readonly peers: readonly string[]
  /** The peers that a peer dials when it starts; default: all. */
  readonly dials?: (name: string) => readonly string[]
  readonly network?: Partial<NetworkOptions>
  /** Whether peers find further ones by peer exchange. */
  readonly hasPeerExchange?: boolean
  /** How far the clock of a peer is ahead at the start. */
  readonly aheadMs?: (name: string) => Millis
  /** Byzantine peers and their faults. */
  readonly byzantine?: ReadonlyMap<string, ByzantineFault>
  /** Bytes of strangers, the peers with a fault, on the disk of each honest peer. Default: everybody is known. */
  readonly strangerBytesMax?: number
  /** Further rooms, and who is in each. They share the connections of the lobby. */
  readonly sideRooms?: ReadonlyMap<string, readonly string[]>
  /** False to save memory if nobody reads the trace. */
  readonly isTraced?: boolean
  /** Called when a peer has stored entries, its own or others'. */
  readonly onStored?: (name: string, span: SeqRange) => void
  /** Called when a connection delivered entries to a peer, new or known. */
  readonly onReceived?: (name: string, from: string, author: LogId, runs: readonly SignedRun[]) => void
}

/** Violated invariants and the trace that led to them. */
export class Violation extends Error {
  readonly violations: readonly string[]

  constructor(violations: readonly string[], story: string) {
    super(`${violations.join('\n')}\n\ntrace:\n${story}`)
    this.violations = violations
  }
}

/** Many peers in one process and in virtual time, all determined by one seed. */
export class World {
  readonly checker: InvariantChecker
  readonly trace: string[] = []
  readonly network: VirtualNetwork
  readonly #isTraced: boolean
  readonly #time = new VirtualTime(EPOCH_MS)
  readonly #peers = new Map<string, SimulatedPeer>()
  readonly #nameOf = new Map<AuthorId, string>()
  readonly #liveness: LivenessChecker
  readonly #sideRooms = new Map<string, { readonly members: readonly string[]; readonly checker: InvariantChecker }>()
  readonly #checkers: readonly InvariantChecker[]
  #steps = 0
  #sideChannelBytes = 0

  constructor({
    seed,
    peers,
    dials,
    network,
    aheadMs,
    byzantine,
    hasPeerExchange = false,
    sideRooms = new Map(),
    strangerBytesMax,
    isTraced = true,
    onStored,
    onReceived,
  }: WorldOptions) {
    this.#isTraced = isTraced
    this.checker = new InvariantChecker(strangerBytesMax !== undefined)
    const options = { delayMsMin: 1, delayMsMax: 30, loss: 0, duplicates: 0, ...network }
    this.network = new VirtualNetwork(this.#time, new SeededRandom(seed, 'network'), options)
    for (const [room, members] of sideRooms) this.#sideRooms.set(room, { members, checker: new InvariantChecker() })
    this.#checkers = [this.checker, ...[...this.#sideRooms.values()].map(({ checker }) => checker)]
    const context = {
      seed,
      time: this.#time,
      network: this.network,
      checker: this.checker,
      sideRoomsOf: (name: string) =>
        new Map(
          [...this.#sideRooms].flatMap(([room, { members, checker }]) =>
            members.includes(name) ? [[room, checker] as const] : [],
          ),
        ),
      hasPeerExchange,
      strangerBytesMax,
      isKnown: (author: AuthorId) => this.checker.isHonest(author),
      everybody: () =>
        [...this.#peers.values()].map(({ author, host }) => ({ key: Buffer.from(author, 'hex'), host: host.address })),
      note: (line: string) => this.#note(line),
      stored: (name: string, span: SeqRange) => {
        this.#liveness.progressed()
        onStored?.(name, span)
      },
      sentOnSideChannel: (bytes: number) => {
        this.#sideChannelBytes += bytes + SIDE_FRAME_OVERHEAD_BYTES
      },
      progressed: () => this.#liveness.progressed(),
      received: (name: string, from: AuthorId | undefined, author: LogId, runs: readonly SignedRun[]) =>
        onReceived?.(name, this.#nameOf.get(from ?? authorOfLog(author)) ?? '', author, runs),
    }
    peers.forEach((name, index) => {
      const address = `10.${index >> 16}.${(index >> 8) & 0xff}.${index & 0xff}`
      const peer = new SimulatedPeer(context, {
        name,
        address,
        aheadMs: aheadMs?.(name) ?? 0,
        fault: byzantine?.get(name),
      })
      this.#peers.set(name, peer)
      this.#nameOf.set(peer.author, name)
    })
    this.#liveness = new LivenessChecker(this, [...this.#peers.values()], hasPeerExchange)
    for (const name of peers) {
      for (const other of dials?.(name) ?? peers) if (other !== name) this.peer(name).addPeer(this.peer(other))
    }
    for (const name of peers) this.peer(name).start()
  }

  /** Virtual milliseconds since the beginning. */
  get elapsedMs(): Millis {
    return this.#time.now - EPOCH_MS
  }

  /** Number of events so far. */
  get steps(): number {
    return this.#steps
  }

  /** Bytes sent on connections besides log entries. */
  get sideChannelBytes(): number {
    return this.#sideChannelBytes
  }

  get names(): readonly string[] {
    return [...this.#peers.keys()]
  }

  /** The name of the peer with this key. */
  nameOf(author: AuthorId | LogId): string | undefined {
    return this.#nameOf.get(authorOfLog(author as LogId))
  }

  peer(name: string): SimulatedPeer {
    const peer = this.#peers.get(name)
    if (peer === undefined) throw new RangeError(`${name} is not a peer of this world`)
    return peer
  }

  /** The lines shown to the user of `name` since its last start. */
  heard(name: string): readonly string[] {
    return this.peer(name).heard
  }

  cut(a: string, b: string): void {
    this.#note(`packets between ${a} and ${b} are dropped`)
    this.network.cut(this.peer(a).host, this.peer(b).host)
  }

  /** Drops all packets between the group and the other peers. */
  partition(group: readonly string[]): void {
    const inside = new Set(group)
    for (const a of group) for (const b of this.names) if (!inside.has(b)) this.cut(a, b)
  }

  /** Ends all cuts and partitions. */
  heal(): void {
    this.#note('all partitions heal')
    this.network.healAll()
  }

  reset(a: string, b: string): void {
    this.#note(`the connections between ${a} and ${b} are reset`)
    this.network.reset(this.peer(a).host, this.peer(b).host)
  }

  freeze(a: string, b: string): void {
    this.#note(`the connections between ${a} and ${b} freeze`)
    this.network.freeze(this.peer(a).host, this.peer(b).host)
  }

  /** A copy of the disk of `name`, to restore later. */
  backUp(name: string): SortedRows {
    this.#note(`${name} is backed up`)
    return this.peer(name).disk.backUp()
  }

  /** Advances the time. Rejects with a Violation as soon as an invariant is violated. */
  async run(ms: Millis): Promise<void> {
    const until = this.#time.now + ms
    for (;;) {
      await drainEventLoop()
      this.check()
      if (!this.#time.step(until)) return
      this.#steps++
    }
  }

  /** Advances the time until `isDone`, by at most `msMax`. Resolves with whether it is done. */
  async runUntil(isDone: () => boolean, msMax: Millis): Promise<boolean> {
    const until = this.#time.now + msMax
    for (;;) {
      if (isDone()) return true
      const leftMs = until - this.#time.now
      if (leftMs <= 0) return false
      await this.run(Math.min(CONVERGENCE_STEP_MS, leftMs))
    }
  }

  /**
   * Ends all faults and checks liveness: within `msMax` all honest peers have the same logs, then one connection to every
   * peer that they dial, and, without Byzantine peers, the network falls silent. Resolves with the time until convergence.
   */
  async converge(msMax: Millis = 60_000): Promise<Millis> {
    this.heal()
    for (const peer of this.#peers.values()) {
      if (peer.disk.isFull) peer.fill(false)
      peer.wake()
      peer.start()
    }
    const from = this.#time.now
    await this.#liveness.awaitConvergence(msMax)
    const convergedMs = this.#time.now - from
    this.#note(`converged after ${Math.ceil(convergedMs)} ms`)
    await this.#liveness.checkConverged(msMax)
    await this.#awaitSideRooms(msMax)
    return convergedMs
  }

  /** Ends all processes and connections. */
  end(): void {
    for (const peer of this.#peers.values()) peer.end()
  }

  /** The end of the trace, without the entries shown to users, which are most of it. */
  story(lines = 40): string {
    return this.trace
      .filter(line => !/^\S+ \S+ reads /.test(line))
      .slice(-lines)
      .join('\n')
  }

  /** Rejects the run with a Violation if an invariant is violated. */
  check(): void {
    if (this.#steps % STEPS_PER_CHECK === 0) {
      for (const { name, largestBufferBytes } of this.#peers.values())
        if (largestBufferBytes > CONNECTION_BYTES_MAX)
          this.checker.violate(`${name} buffers ${largestBufferBytes} bytes for one connection`)
    }
    if (this.#checkers.every(({ violations }) => violations.length === 0)) return
    throw new Violation(
      this.#checkers.flatMap(({ violations }) => violations),
      this.story(),
    )
  }

  /** Waits until everybody in a side room knows the same lines. */
  async #awaitSideRooms(msMax: Millis): Promise<void> {
    for (const [room, { members, checker }] of this.#sideRooms) {
      for (const name of members) this.peer(name).openSideRoom(room)
      const sides = members.flatMap(name => this.peer(name).sideRooms.get(room) ?? [])
      const all = (): Set<string> => new Set(sides.flatMap(({ lines }) => [...lines]))
      const isSame = (): boolean => {
        const { size } = all()
        return sides.every(({ isOpen, unsaved, lines }) => isOpen && unsaved === 0 && lines.size === size)
      }
      if (await this.runUntil(isSame, msMax)) continue
      const counts = sides.map(({ lines, isOpen }, index) => `${members[index]} ${isOpen ? lines.size : 'closed'}`)
      checker.violate(`after ${msMax / 1000} s peers know different lines of ${room}: ${counts.join(', ')}`)
      this.check()
    }
  }

  #note(line: string): void {
    if (!this.#isTraced) return
    if (this.trace.length >= TRACE_LINES_MAX) this.trace.splice(0, TRACE_LINES_MAX / 2)
    this.trace.push(`${(this.elapsedMs / 1000).toFixed(4)} ${line}`)
  }
}
