import type { Millis } from '../base/clock.js'
import { SeededRandom } from '../base/seeded-random.js'
import type { AuthorId, Seq } from '../log/format/author.js'
import type { Entry } from '../log/format/entry.js'
import type { SignedRun } from '../log/format/segment-plan.js'
import { SEQ_MAX } from '../log/limits.js'
import type { Log } from '../log/log.js'
import type { SeqRange } from '../log/read/subscription.js'
import { ACTIVE_VIEW_MAX } from '../net/overlay/limits.js'
import type { ByzantineFault } from './byzantine-peer.js'
import { drainEventLoop } from './drain-event-loop.js'
import { InvariantChecker } from './invariants.js'
import { type NetworkOptions, VirtualNetwork } from './network.js'
import { historyOf, SimulatedPeer } from './simulated-peer.js'
import type { SortedRows } from './sorted-rows.js'
import { VirtualTime } from './virtual-time.js'

/** Start of virtual time. */
const EPOCH_MS: Millis = 1_800_000_000_000
const TRACE_LINES_MAX = 100_000
/** Steps between two checks of the buffers of all connections. */
const STEPS_PER_CHECK = 64
/** Bound for the buffer of one stream: two frames and one read. */
const CONNECTION_BYTES_MAX = 512 * 1024
/** Resolution of the measured convergence time. */
const CONVERGENCE_STEP_MS: Millis = 10
/** The network is silent if all connections carry nothing but heartbeats, a byte each, for this long. */
const SILENCE_MS: Millis = 20_000
const HEARTBEAT_BYTES_MAX = 3
/** Connections that every peer should have with peer exchange, or one with each other peer if there are fewer. */
const ACTIVE_VIEW_MIN = 8
/** Presence statuses, which every peer sends over every connection from time to time. */
const SIDE_CHANNEL_BYTES_MAX = 300

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
  /** False to save memory if nobody reads the trace. */
  readonly isTraced?: boolean
  /** Called when a peer has stored entries, its own or others'. */
  readonly onStored?: (name: string, span: SeqRange) => void
  /** Called when a connection delivered entries to a peer, new or known. */
  readonly onReceived?: (name: string, from: string, author: AuthorId, runs: readonly SignedRun[]) => void
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
  readonly checker = new InvariantChecker()
  readonly trace: string[] = []
  readonly network: VirtualNetwork
  readonly #isTraced: boolean
  readonly #hasPeerExchange: boolean
  readonly #time = new VirtualTime(EPOCH_MS)
  readonly #peers = new Map<string, SimulatedPeer>()
  readonly #nameOf = new Map<AuthorId, string>()
  readonly #honest: readonly SimulatedPeer[]
  #steps = 0
  #hasProgressed = true
  #sideChannelBytes = 0

  constructor({
    seed,
    peers,
    dials,
    network,
    aheadMs,
    byzantine,
    hasPeerExchange = false,
    isTraced = true,
    onStored,
    onReceived,
  }: WorldOptions) {
    this.#isTraced = isTraced
    this.#hasPeerExchange = hasPeerExchange
    const options = { delayMsMin: 1, delayMsMax: 30, loss: 0, duplicates: 0, ...network }
    this.network = new VirtualNetwork(this.#time, new SeededRandom(seed, 'network'), options)
    const context = {
      seed,
      time: this.#time,
      network: this.network,
      checker: this.checker,
      hasPeerExchange,
      note: (line: string) => this.#note(line),
      stored: (name: string, span: SeqRange) => {
        this.#hasProgressed = true
        onStored?.(name, span)
      },
      sentOnSideChannel: (bytes: number) => {
        this.#sideChannelBytes += bytes
      },
      progressed: () => {
        this.#hasProgressed = true
      },
      received: (name: string, from: AuthorId | undefined, author: AuthorId, runs: readonly SignedRun[]) =>
        onReceived?.(name, this.#nameOf.get(from ?? author) ?? '', author, runs),
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
    this.#honest = [...this.#peers.values()].filter(({ fault }) => fault === undefined)
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
      this.#check()
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
    this.#hasProgressed = true
    if (!(await this.runUntil(() => this.#hasConverged(), msMax))) {
      this.checker.violate(`after ${msMax / 1000} s peers have different logs:\n  ${this.#summary().join('\n  ')}`)
      this.#check()
    }
    const convergedMs = this.#time.now - from
    this.#note(`converged after ${Math.ceil(convergedMs)} ms`)
    if (this.#honest.length === this.#peers.size) await this.#awaitSilence(msMax)
    else await this.run(msMax) // peers still trace forks back to the fork point
    await this.#compareHistories(msMax)
    await this.#awaitConnections(msMax)
    await this.#awaitReceipts(msMax)
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

  /** Waits until receipts show every peer that all connected peers have all entries. */
  async #awaitReceipts(msMax: Millis): Promise<void> {
    if (this.#honest.length !== this.#peers.size) return
    const isKnown = ({ log, receipts }: SimulatedPeer): boolean =>
      log?.head.every(head => {
        const { on, of } = receipts?.of(head) ?? { on: 0, of: 0 }
        return on === of
      }) ?? true
    if (await this.runUntil(() => this.#honest.every(isKnown), msMax)) return
    const uninformed = this.#honest.filter(peer => !isKnown(peer)).map(({ name }) => name)
    this.checker.violate(`${uninformed.join(' and ')} lack receipts`)
    this.#check()
  }

  async #compareHistories(msMax: Millis): Promise<void> {
    const histories = new Map<string, readonly Entry[]>()
    const byzantineEntries = new Map<string, readonly Entry[]>()
    for (const { name, log } of this.#honest) {
      if (log === undefined) continue
      const check = this.checker.historyCheck(name)
      void historyOf(log).then(history => {
        check(history)
        const isHonest = ({ author }: Entry): boolean => this.checker.isHonest(author)
        histories.set(name, history.filter(isHonest))
        byzantineEntries.set(
          name,
          history.filter(entry => !isHonest(entry) && !log.isForked(entry)),
        )
      })
    }
    if (!(await this.runUntil(() => histories.size === this.#honest.length, msMax)))
      this.checker.violate('a history cannot be read to the end')
    this.checker.sameHistories(histories)
    this.checker.sameUnforkedEntries(byzantineEntries)
    for (const { fault, author } of this.#peers.values())
      if (fault !== undefined)
        this.checker.sameForkPoints(
          author,
          new Map(this.#honest.map(({ name, log }) => [name, forkPointOf(author, log)])),
        )
    this.#check()
  }

  async #awaitSilence(msMax: Millis): Promise<void> {
    for (let waitedMs = 0; waitedMs < msMax; waitedMs += SILENCE_MS) {
      const { bytesSent, connectionsMade } = this.network
      const sideChannelBefore = this.#sideChannelBytes
      await this.run(SILENCE_MS)
      const sideChannel = this.#sideChannelBytes - sideChannelBefore
      const bytes = this.network.bytesSent - bytesSent - sideChannel
      if (sideChannel > this.#peers.size * this.network.openEnds * SIDE_CHANNEL_BYTES_MAX) continue
      if (this.network.connectionsMade === connectionsMade && bytes <= this.network.openEnds * HEARTBEAT_BYTES_MAX)
        return
    }
    this.checker.violate(`after ${msMax / 1000} s the network is still not silent`)
    this.#check()
  }

  async #awaitConnections(msMax: Millis): Promise<void> {
    if (await this.runUntil(() => this.#connectionFaults().length === 0, msMax)) return
    for (const fault of this.#connectionFaults()) this.checker.violate(`after ${msMax / 1000} s ${fault}`)
    this.#check()
  }

  /**
   * An honest peer must have exactly one connection to each honest peer that it dials, and at most one to others. With peer
   * exchange its number of connections must lie within the bounds of the active view.
   */
  #connectionFaults(): string[] {
    const faults: string[] = []
    for (const { name, connectedKeys, dialled, activeViewSize } of this.#honest) {
      const counts = new Map<string, number>()
      for (const key of connectedKeys) {
        const other = this.#nameOf.get(key) ?? key
        counts.set(other, (counts.get(other) ?? 0) + 1)
      }
      for (const [other, count] of counts) if (count > 1) faults.push(`${name} has ${count} connections to ${other}`)
      if (this.#hasPeerExchange) {
        const least = Math.min(ACTIVE_VIEW_MIN, this.#honest.length - 1)
        if (activeViewSize < least || activeViewSize > ACTIVE_VIEW_MAX + dialled.length)
          faults.push(`${name} has ${activeViewSize} connections`)
        continue
      }
      for (const other of dialled)
        if (!counts.has(other) && this.peer(other).fault === undefined)
          faults.push(`${name} has no connection to ${other}`)
    }
    return faults
  }

  /** Whether all honest peers have, and their users were shown, the same entries of all honest authors. */
  #hasConverged(): boolean {
    if (!this.#hasProgressed) return false
    this.#hasProgressed = false
    let first: ReadonlyMap<AuthorId, number> | undefined
    for (const peer of this.#honest) {
      const { log, isReady, unsent } = peer
      if (log === undefined || !isReady || unsent > 0) {
        this.#hasProgressed = true
        return false
      }
      const heads = new Map<AuthorId, number>()
      for (const { author, seq } of log.head) {
        if (!this.checker.isHonest(author)) continue
        if (peer.shownOf(author) !== seq) return false
        heads.set(author, seq)
      }
      first ??= heads
      if (heads.size !== first.size) return false
      for (const [author, seq] of heads) if (first.get(author) !== seq) return false
    }
    return true
  }

  #summary(): string[] {
    return this.#honest.map(({ name, log, unsent, connectedKeys }) => {
      const heads = log?.head.map(({ author, seq }) => `${this.#nameOf.get(author) ?? author.slice(0, 8)}/${seq}`)
      return `${name} (${unsent} unsent, ${connectedKeys.length} connections): ${heads?.sort().join(' ')}`
    })
  }

  #check(): void {
    if (this.#steps % STEPS_PER_CHECK === 0) {
      for (const { name, largestBufferBytes } of this.#peers.values())
        if (largestBufferBytes > CONNECTION_BYTES_MAX)
          this.checker.violate(`${name} buffers ${largestBufferBytes} bytes for one connection`)
    }
    const { violations } = this.checker
    if (violations.length > 0) throw new Violation(violations, this.story())
  }

  #note(line: string): void {
    if (!this.#isTraced) return
    if (this.trace.length >= TRACE_LINES_MAX) this.trace.splice(0, TRACE_LINES_MAX / 2)
    this.trace.push(`${(this.elapsedMs / 1000).toFixed(4)} ${line}`)
  }
}

/** The first disputed entry of a log, or SEQ_MAX if there is none. */
function forkPointOf(author: AuthorId, log: Log | undefined): Seq {
  let low = 1
  let high = SEQ_MAX
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    if (log?.isForked({ author, seq: middle })) high = middle
    else low = middle + 1
  }
  return low
}
