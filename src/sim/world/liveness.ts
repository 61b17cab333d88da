import type { Millis } from '../../base/clock.js'
import { type AuthorId, authorOfLog, type LogId, logOf } from '../../log/format/author.js'
import type { Entry } from '../../log/format/entry.js'
import { SEQ_MAX } from '../../log/limits.js'
import { ACTIVE_VIEW_MAX } from '../../net/overlay/limits.js'
import { RECORD_OVERHEAD_BYTES } from '../../net/sealed/records.js'
import type { VirtualNetwork } from '../virtual/network.js'
import type { InvariantChecker } from './invariants.js'
import { historyOf } from './room-checks.js'
import type { SimulatedPeer } from './simulated-peer.js'

/** The network is silent if all connections carry only heartbeats, a record of one byte each, for this long. */
const SILENCE_MS: Millis = 20_000
const HEARTBEAT_BYTES_MAX = 3 * (1 + RECORD_OVERHEAD_BYTES)
/**
 * Fewest connections that a peer may have if peer exchange is on; if there are fewer other peers, it must be connected to each.
 */
const ACTIVE_VIEW_MIN = 8
/** Allowance for presence statuses, which every peer sends over every connection from time to time. */
const SIDE_CHANNEL_BYTES_MAX = 300

/** The part of a world that the checks use. */
interface CheckedWorld {
  readonly checker: InvariantChecker
  readonly network: VirtualNetwork
  readonly sideChannelBytes: number
  peer(name: string): SimulatedPeer
  nameOf(author: AuthorId | LogId): string | undefined
  run(ms: Millis): Promise<void>
  runUntil(isDone: () => boolean, msMax: Millis): Promise<boolean>
  check(): void
}

/**
 * Checks what a network must reach after all faults have ended. Each failed check is reported as a violated invariant.
 */
export class LivenessChecker {
  readonly #world: CheckedWorld
  readonly #peers: readonly SimulatedPeer[]
  readonly #honest: readonly SimulatedPeer[]
  readonly #hasPeerExchange: boolean
  /** Whether a peer has stored or shown an entry since the last comparison. */
  #hasProgressed = true

  constructor(world: CheckedWorld, peers: readonly SimulatedPeer[], hasPeerExchange: boolean) {
    this.#world = world
    this.#peers = peers
    this.#honest = peers.filter(({ fault }) => fault === undefined)
    this.#hasPeerExchange = hasPeerExchange
  }

  progressed(): void {
    this.#hasProgressed = true
  }

  /** Waits until all honest peers have the same logs. */
  async awaitConvergence(msMax: Millis): Promise<void> {
    this.#hasProgressed = true
    if (await this.#world.runUntil(() => this.#hasConverged(), msMax)) return
    this.#world.checker.violate(`after ${msMax / 1000} s peers have different logs:\n  ${this.#summary().join('\n  ')}`)
    this.#world.check()
  }

  /** Compares histories, then waits for connections, receipts and, without Byzantine peers, for silence. */
  async checkConverged(msMax: Millis): Promise<void> {
    if (this.#honest.length === this.#peers.length) await this.#awaitSilence(msMax)
    else await this.#world.run(msMax) // peers still trace forks back to the fork point
    await this.#compareHistories(msMax)
    await this.#awaitConnections(msMax)
    await this.#awaitReceipts(msMax)
    this.#checkReceipts()
  }

  /** Checks that receipts count the people whom the user named, whatever strangers claim. */
  #checkReceipts(): void {
    for (const { name, log, receipts, connectedKeys, dialled } of this.#honest) {
      const isNamed = (key: AuthorId): boolean => {
        const other = this.#world.nameOf(key) ?? ''
        return dialled.includes(other) || this.#world.checker.isHonest(key)
      }
      const most = new Set(connectedKeys.filter(isNamed)).size
      for (const head of log?.head ?? []) {
        const { on = 0, of = 0 } = receipts?.of(head) ?? {}
        if (on > of || of > most)
          this.#world.checker.violate(`${name} counts ${on} of ${of} receipts, of ${most} people`)
      }
    }
    this.#world.check()
  }

  /** Waits until every peer's receipts show that all connected peers have all entries. */
  async #awaitReceipts(msMax: Millis): Promise<void> {
    if (this.#honest.length !== this.#peers.length) return
    const isKnown = ({ log, receipts }: SimulatedPeer): boolean =>
      log?.head.every(head => {
        const { on, of } = receipts?.of(head) ?? { on: 0, of: 0 }
        return on === of
      }) ?? true
    if (await this.#world.runUntil(() => this.#honest.every(isKnown), msMax)) return
    const uninformed = this.#honest.filter(peer => !isKnown(peer)).map(({ name }) => name)
    this.#world.checker.violate(`${uninformed.join(' and ')} lack receipts`)
    this.#world.check()
  }

  async #compareHistories(msMax: Millis): Promise<void> {
    const histories = new Map<string, readonly Entry[]>()
    const byzantineEntries = new Map<string, readonly Entry[]>()
    for (const { name, log } of this.#honest) {
      if (log === undefined) continue
      const check = this.#world.checker.historyCheck(name)
      void historyOf(log).then(history => {
        check(history)
        const isHonest = ({ author }: Entry): boolean => this.#world.checker.isHonest(author)
        histories.set(name, history.filter(isHonest))
        byzantineEntries.set(
          name,
          history.filter(entry => !isHonest(entry)),
        )
      })
    }
    if (!(await this.#world.runUntil(() => histories.size === this.#honest.length, msMax)))
      this.#world.checker.violate('a history cannot be read to the end')
    this.#world.checker.sameHistories(histories)
    this.#world.checker.sameEntries(byzantineEntries)
    for (const { fault, author } of this.#peers) {
      if (fault === 'forks its log') this.#world.checker.sameHistories(entriesOf(author, byzantineEntries))
      if (fault !== undefined)
        this.#world.checker.sameForkPoints(
          logOf(author),
          new Map(this.#honest.map(({ name, log }) => [name, log?.forkOf(logOf(author)) ?? SEQ_MAX])),
        )
    }
    this.#world.check()
  }

  async #awaitSilence(msMax: Millis): Promise<void> {
    for (let waitedMs = 0; waitedMs < msMax; waitedMs += SILENCE_MS) {
      const { bytesSent, connectionsMade } = this.#world.network
      const sideChannelBefore = this.#world.sideChannelBytes
      await this.#world.run(SILENCE_MS)
      const sideChannel = this.#world.sideChannelBytes - sideChannelBefore
      const bytes = this.#world.network.bytesSent - bytesSent - sideChannel
      if (sideChannel > this.#peers.length * this.#world.network.openEnds * SIDE_CHANNEL_BYTES_MAX) continue
      if (
        this.#world.network.connectionsMade === connectionsMade &&
        bytes <= this.#world.network.openEnds * HEARTBEAT_BYTES_MAX
      )
        return
    }
    this.#world.checker.violate(`after ${msMax / 1000} s the network is still not silent`)
    this.#world.check()
  }

  async #awaitConnections(msMax: Millis): Promise<void> {
    if (await this.#world.runUntil(() => this.#connectionFaults().length === 0, msMax)) return
    for (const fault of this.#connectionFaults()) this.#world.checker.violate(`after ${msMax / 1000} s ${fault}`)
    this.#world.check()
  }

  /**
   * An honest peer must have exactly one connection to each honest peer that it dials, and at most one to every other
   * peer. With peer exchange, its number of connections must be within the bounds of the active view.
   */
  #connectionFaults(): string[] {
    const faults: string[] = []
    for (const { name, connectedKeys, dialled, activeViewSize } of this.#honest) {
      const counts = new Map<string, number>()
      for (const key of connectedKeys) {
        const other = this.#world.nameOf(key) ?? key
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
        if (!counts.has(other) && this.#world.peer(other).fault === undefined)
          faults.push(`${name} has no connection to ${other}`)
    }
    return faults
  }

  /** Whether all honest peers have the same entries of all honest authors, and have shown them to their users. */
  #hasConverged(): boolean {
    if (!this.#hasProgressed) return false
    this.#hasProgressed = false
    let first: ReadonlyMap<LogId, number> | undefined
    for (const peer of this.#honest) {
      const { log, isReady, unsent } = peer
      if (log === undefined || !isReady || unsent > 0) {
        this.#hasProgressed = true
        return false
      }
      const heads = new Map<LogId, number>()
      const counts = new Map<AuthorId, number>()
      for (const { author, seq } of log.head) {
        if (!this.#world.checker.isHonest(author)) continue
        heads.set(author, seq)
        counts.set(authorOfLog(author), seq + (counts.get(authorOfLog(author)) ?? 0))
      }
      for (const [author, count] of counts) if (peer.shownOf(author) !== count) return false
      first ??= heads
      if (heads.size !== first.size) return false
      for (const [author, seq] of heads) if (first.get(author) !== seq) return false
    }
    return true
  }

  #summary(): string[] {
    return this.#honest.map(({ name, log, unsent, connectedKeys }) => {
      const heads = log?.head.map(({ author, seq }) => `${this.#world.nameOf(author) ?? author.slice(0, 8)}/${seq}`)
      return `${name} (${unsent} unsent, ${connectedKeys.length} connections): ${heads?.sort().join(' ')}`
    })
  }
}

/** The entries of one author in each history. */
const entriesOf = (
  author: AuthorId,
  histories: ReadonlyMap<string, readonly Entry[]>,
): ReadonlyMap<string, readonly Entry[]> =>
  new Map(
    [...histories].map(([name, entries]) => [name, entries.filter(entry => authorOfLog(entry.author) === author)]),
  )
