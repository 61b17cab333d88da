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
import { settle } from './drain-event-loop.js'
import { InvariantChecker } from './invariants.js'
import { type NetworkOptions, VirtualNetwork } from './network.js'
import { historyOf, SimulatedPeer } from './simulated-peer.js'
import type { SortedRows } from './sorted-rows.js'
import { VirtualTime } from './virtual-time.js'

/** When virtual worlds begin. */
const EPOCH_MS: Millis = 1_800_000_000_000
const TRACE_LINES_MAX = 100_000
/** After how many steps the streams of all links are looked at. */
const STEPS_PER_LOOK = 64
/** What may wait in one stream of one link: two frames, and what one reading takes in. */
const LINK_BYTES_MAX = 512 * 1024
/** How finely it is seen when all hold the same. */
const CONVERGENCE_STEP_MS: Millis = 10
/** A network is silent when for so long every direction of every connection carries heartbeats alone, a byte each. */
const SILENCE_MS: Millis = 20_000
const HEARTBEAT_BYTES_MAX = 3
/** Links that everybody should have where peers meet each other, or one with all where they are fewer. */
const VIEW_MIN = 8
/** Who is there is told in statuses, now and then, by everybody over every link. */
const ASIDE_BYTES_MAX = 300

export interface WorldOptions {
  readonly seed: number
  readonly peers: readonly string[]
  /** Who names whom when it starts; without it everybody names everybody. */
  readonly names?: (name: string) => readonly string[]
  readonly network?: Partial<NetworkOptions>
  /** Whether peers meet further ones by way of those they name. */
  readonly isMeeting?: boolean
  /** How far the clock of a machine is ahead of the truth at first. */
  readonly aheadMs?: (name: string) => Millis
  /** Who lies, and how. */
  readonly liars?: ReadonlyMap<string, ByzantineFault>
  /** False where nobody reads what happened. */
  readonly isTraced?: boolean
  /** Told of entries that a peer has stored, own and others'. */
  readonly onStored?: (name: string, span: SeqRange) => void
  /** Told of entries that a link brought to a peer, whether they were new to it or not. */
  readonly onBrought?: (name: string, from: string, author: AuthorId, runs: readonly SignedRun[]) => void
}

/** What was found that must never be, with what led there. */
export class Violation extends Error {
  readonly violations: readonly string[]

  constructor(violations: readonly string[], story: string) {
    super(`${violations.join('\n')}\n\nwhat led there:\n${story}`)
    this.violations = violations
  }
}

/** Many peers in one process and virtual time, everything from one seed. */
export class World {
  readonly judge = new InvariantChecker()
  readonly trace: string[] = []
  readonly network: VirtualNetwork
  readonly #isTraced: boolean
  readonly #isMeeting: boolean
  readonly #time = new VirtualTime(EPOCH_MS)
  readonly #machines = new Map<string, SimulatedPeer>()
  readonly #nameOf = new Map<AuthorId, string>()
  readonly #honest: readonly SimulatedPeer[]
  #steps = 0
  #hasMoved = true
  /** Bytes that were said besides logs. */
  #asideBytes = 0

  constructor({
    seed,
    peers,
    names,
    network,
    aheadMs,
    liars,
    isMeeting = false,
    isTraced = true,
    onStored,
    onBrought,
  }: WorldOptions) {
    this.#isTraced = isTraced
    this.#isMeeting = isMeeting
    const options = { delayMsMin: 1, delayMsMax: 30, loss: 0, duplicates: 0, ...network }
    this.network = new VirtualNetwork(this.#time, new SeededRandom(seed, 'network'), options)
    const surroundings = {
      seed,
      time: this.#time,
      network: this.network,
      judge: this.judge,
      isMeeting,
      note: (line: string) => this.#note(line),
      stored: (name: string, span: SeqRange) => {
        this.#hasMoved = true
        onStored?.(name, span)
      },
      saidAside: (bytes: number) => {
        this.#asideBytes += bytes
      },
      moved: () => {
        this.#hasMoved = true
      },
      brought: (name: string, from: AuthorId | undefined, author: AuthorId, runs: readonly SignedRun[]) =>
        onBrought?.(name, this.#nameOf.get(from ?? author) ?? '', author, runs),
    }
    peers.forEach((name, index) => {
      const address = `10.${index >> 16}.${(index >> 8) & 0xff}.${index & 0xff}`
      const machine = new SimulatedPeer(surroundings, {
        name,
        address,
        aheadMs: aheadMs?.(name) ?? 0,
        lie: liars?.get(name),
      })
      this.#machines.set(name, machine)
      this.#nameOf.set(machine.author, name)
    })
    this.#honest = [...this.#machines.values()].filter(({ lie }) => lie === undefined)
    for (const name of peers) {
      for (const other of names?.(name) ?? peers) if (other !== name) this.machine(name).names(this.machine(other))
    }
    for (const name of peers) this.machine(name).start()
  }

  /** Virtual milliseconds since the beginning. */
  get elapsedMs(): Millis {
    return this.#time.now - EPOCH_MS
  }

  /** How many things have happened. */
  get steps(): number {
    return this.#steps
  }

  /** Bytes that were said on links besides logs. */
  get asideBytes(): number {
    return this.#asideBytes
  }

  get names(): readonly string[] {
    return [...this.#machines.keys()]
  }

  machine(name: string): SimulatedPeer {
    const machine = this.#machines.get(name)
    if (machine === undefined) throw new RangeError(`${name} is not in this world`)
    return machine
  }

  /** What the user of `name` was shown since it was started last. */
  heard(name: string): readonly string[] {
    return this.machine(name).heard
  }

  cut(a: string, b: string): void {
    this.#note(`the way between ${a} and ${b} is cut`)
    this.network.cut(this.machine(a).host, this.machine(b).host)
  }

  /** Nothing gets from one group to the other. */
  partition(group: readonly string[]): void {
    const inside = new Set(group)
    for (const a of group) for (const b of this.names) if (!inside.has(b)) this.cut(a, b)
  }

  /** All ways are open again. */
  heal(): void {
    this.#note('all ways are open')
    this.network.healAll()
  }

  reset(a: string, b: string): void {
    this.#note(`the connections between ${a} and ${b} break`)
    this.network.reset(this.machine(a).host, this.machine(b).host)
  }

  freeze(a: string, b: string): void {
    this.#note(`the connections between ${a} and ${b} go silent`)
    this.network.freeze(this.machine(a).host, this.machine(b).host)
  }

  /** What is on the disk of `name` now, to be restored later. */
  backUp(name: string): SortedRows {
    this.#note(`${name} is backed up`)
    return this.machine(name).disk.backUp()
  }

  /** Lets time pass. Rejects with a Violation as soon as something is wrong. */
  async run(ms: Millis): Promise<void> {
    const until = this.#time.now + ms
    for (;;) {
      await settle()
      this.#check()
      if (!this.#time.step(until)) return
      this.#steps++
    }
  }

  /** Lets time pass until `isDone`, for at most so long. Gives whether it is. */
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
   * All ways are opened, all disks freed and all peers started: within `msMax` all honest peers hold the same, each has
   * one link to everyone that it named soon after, and, where nobody lies, nothing is said any more.
   */
  async converge(msMax: Millis = 60_000): Promise<Millis> {
    this.heal()
    for (const machine of this.#machines.values()) {
      if (machine.disk.isFull) machine.fill(false)
      machine.wake()
      machine.start()
    }
    const from = this.#time.now
    this.#hasMoved = true
    if (!(await this.runUntil(() => this.#isAlike(), msMax))) {
      this.judge.violate(`after ${msMax / 1000} s peers hold different logs:\n  ${this.#standing().join('\n  ')}`)
      this.#check()
    }
    const tookMs = this.#time.now - from
    this.#note(`all hold the same after ${Math.ceil(tookMs)} ms`)
    if (this.#honest.length === this.#machines.size) await this.#fallSilent(msMax)
    else await this.run(msMax) // two histories are followed back to where they part
    await this.#compare(msMax)
    await this.#settleLinks(msMax)
    await this.#knowCustody(msMax)
    return tookMs
  }

  /** Ends the run, so that nothing of it is left. */
  end(): void {
    for (const machine of this.#machines.values()) machine.end()
  }

  /** The last of what happened, for people; without what everybody heard, which is most of it. */
  story(lines = 40): string {
    return this.trace
      .filter(line => !/^\S+ \S+ hears /.test(line))
      .slice(-lines)
      .join('\n')
  }

  /** Everyone knows of every honest peer linked that it holds everything. */
  async #knowCustody(msMax: Millis): Promise<void> {
    if (this.#honest.length !== this.#machines.size) return
    const isKnown = ({ log, receipts }: SimulatedPeer): boolean =>
      log?.head.every(head => {
        const { on, of } = receipts?.of(head) ?? { on: 0, of: 0 }
        return on === of
      }) ?? true
    if (await this.runUntil(() => this.#honest.every(isKnown), msMax)) return
    const ignorant = this.#honest.filter(peer => !isKnown(peer)).map(({ name }) => name)
    this.judge.violate(`${ignorant.join(' and ')} were not told who holds what`)
    this.#check()
  }

  async #compare(msMax: Millis): Promise<void> {
    const histories = new Map<string, readonly Entry[]>()
    const ofLiars = new Map<string, readonly Entry[]>()
    for (const { name, log } of this.#honest) {
      if (log === undefined) continue
      const judge = this.judge.reading(name)
      void historyOf(log).then(history => {
        judge(history)
        const isHonest = ({ author }: Entry): boolean => this.judge.isHonest(author)
        histories.set(name, history.filter(isHonest))
        ofLiars.set(
          name,
          history.filter(entry => !isHonest(entry) && !log.isDisputed(entry)),
        )
      })
    }
    if (!(await this.runUntil(() => histories.size === this.#honest.length, msMax)))
      this.judge.violate('a history cannot be read to its end')
    this.judge.alike(histories)
    this.judge.undisputed(ofLiars)
    for (const { lie, author } of this.#machines.values())
      if (lie !== undefined)
        this.judge.frozenAlike(author, new Map(this.#honest.map(({ name, log }) => [name, disputedFrom(author, log)])))
    this.#check()
  }

  async #fallSilent(msMax: Millis): Promise<void> {
    for (let waitedMs = 0; waitedMs < msMax; waitedMs += SILENCE_MS) {
      const { bytesSent, connectionsMade } = this.network
      const asideBefore = this.#asideBytes
      await this.run(SILENCE_MS)
      const aside = this.#asideBytes - asideBefore
      const bytes = this.network.bytesSent - bytesSent - aside
      if (aside > this.#machines.size * this.network.ends * ASIDE_BYTES_MAX) continue
      if (this.network.connectionsMade === connectionsMade && bytes <= this.network.ends * HEARTBEAT_BYTES_MAX) return
    }
    this.judge.violate(`after ${msMax / 1000} s the network is still not silent`)
    this.#check()
  }

  async #settleLinks(msMax: Millis): Promise<void> {
    if (await this.runUntil(() => this.#linkFaults().length === 0, msMax)) return
    for (const fault of this.#linkFaults()) this.judge.violate(`after ${msMax / 1000} s ${fault}`)
    this.#check()
  }

  /**
   * Between two honest peers of which one names the other there is one link; between others there may be none. Where peers
   * meet each other everybody has enough of them, and not too many.
   */
  #linkFaults(): string[] {
    const faults: string[] = []
    for (const { name, links, named, viewSize } of this.#honest) {
      const counts = new Map<string, number>()
      for (const key of links) {
        const other = this.#nameOf.get(key) ?? key
        counts.set(other, (counts.get(other) ?? 0) + 1)
      }
      for (const [other, count] of counts) if (count > 1) faults.push(`${name} has ${count} links with ${other}`)
      if (this.#isMeeting) {
        const least = Math.min(VIEW_MIN, this.#honest.length - 1)
        if (viewSize < least || viewSize > ACTIVE_VIEW_MAX + named.length) faults.push(`${name} has ${viewSize} links`)
        continue
      }
      for (const other of named)
        if (!counts.has(other) && this.machine(other).lie === undefined)
          faults.push(`${name} has no link with ${other}`)
    }
    return faults
  }

  /** Whether all honest peers hold, and their users were shown, the same of all honest authors. */
  #isAlike(): boolean {
    if (!this.#hasMoved) return false
    this.#hasMoved = false
    let first: ReadonlyMap<AuthorId, number> | undefined
    for (const machine of this.#honest) {
      const { log, isReady, unsaid } = machine
      if (log === undefined || !isReady || unsaid > 0) {
        this.#hasMoved = true
        return false
      }
      const heads = new Map<AuthorId, number>()
      for (const { author, seq } of log.head) {
        if (!this.judge.isHonest(author)) continue
        if (machine.shownOf(author) !== seq) return false
        heads.set(author, seq)
      }
      first ??= heads
      if (heads.size !== first.size) return false
      for (const [author, seq] of heads) if (first.get(author) !== seq) return false
    }
    return true
  }

  #standing(): string[] {
    return this.#honest.map(({ name, log, unsaid, links }) => {
      const heads = log?.head.map(({ author, seq }) => `${this.#nameOf.get(author) ?? author.slice(0, 8)}/${seq}`)
      return `${name} (${unsaid} unsaid, ${links.length} links): ${heads?.sort().join(' ')}`
    })
  }

  #check(): void {
    if (this.#steps % STEPS_PER_LOOK === 0) {
      for (const { name, fullestLinkBytes } of this.#machines.values())
        if (fullestLinkBytes > LINK_BYTES_MAX)
          this.judge.violate(`${name} holds ${fullestLinkBytes} bytes for one link`)
    }
    const { violations } = this.judge
    if (violations.length > 0) throw new Violation(violations, this.story())
  }

  #note(line: string): void {
    if (!this.#isTraced) return
    if (this.trace.length >= TRACE_LINES_MAX) this.trace.splice(0, TRACE_LINES_MAX / 2)
    this.trace.push(`${(this.elapsedMs / 1000).toFixed(4)} ${line}`)
  }
}

/** The first place of an author's log that is disputed, or the end of all places. */
function disputedFrom(author: AuthorId, log: Log | undefined): Seq {
  let low = 1
  let high = SEQ_MAX
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    if (log?.isDisputed({ author, seq: middle })) high = middle
    else low = middle + 1
  }
  return low
}
