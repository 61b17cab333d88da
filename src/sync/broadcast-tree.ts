import { RETRY_MS_MAX } from '../base/backoff.js'
import type { Cancel, Clock } from '../base/clock.js'
import { type AuthorId, authorOfLog, type LogId, type Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import { AUTHORS_MAX } from '../log/limits.js'
import { forgetOldest, STALL_MS_MAX, SUBSCRIBE_AFTER_MS, trackedLogsMax } from './limits.js'

/** Largest number of logs that are followed at the same time because they are behind. Each has a timer. */
const FOLLOWED_MAX = 1_000

/** Sends the tree's decisions over one connection. */
export interface ConnectionControl {
  /** Subscribe to a log: the peer sends the entries after our head, now and as they arrive. */
  subscribe(author: LogId): void
  /** Unsubscribe: the peer only announces new heads of the log. */
  unsubscribe(author: LogId): void
  /** This disk no longer stores a log or any record of it: the peer's state of the log can be forgotten. */
  forget?(author: LogId): void
}

/** A log that is behind: a connection announced entries that are missing here. */
interface Behind {
  /** The connection that announced them first. */
  announcer: TreeConnection
  /** The local head, and the number of deliveries over the subscribed connections, at the last check. */
  seq: Seq
  arrivals: number
  /** How long the log has not grown. */
  idleMs: number
  waitMs: number
  cancel: Cancel
}

/**
 * Chooses, per author, the connections that deliver new entries: a pull variant of Plumtree (Leitão, Pereira, Rodrigues:
 * Epidemic Broadcast Trees, SRDS 2007). docs/protocol/wire.md §5.5.
 *
 * - Every peer announces which head of a log it has persisted (Plumtree's IHAVE).
 * - A peer that is behind subscribes on one announcing connection (GRAFT), and unsubscribes on one that sends duplicates (PRUNE).
 * - Authors push their own entries without a subscription.
 * - A connection that delivers nothing for STALL_MS_MAX is replaced by the next announcer.
 *
 * Pure: time comes from `clock`, messages leave through `ConnectionControl`.
 */
export class BroadcastTree {
  readonly #clock: Clock
  readonly #localSeq: (author: LogId) => Seq
  readonly #logsMax: () => number
  readonly #connections = new Set<TreeConnection>()
  readonly #behind = new Map<LogId, Behind>()
  /** Whether announced logs were skipped because too many are followed. */
  #isCrowded = false

  /**
   * `localSeq` returns the local head of a log, including entries that are still being written; `logsMax` the number of logs that can
   * be stored here.
   */
  constructor(clock: Clock, localSeq: (author: LogId) => Seq, logsMax: () => number = () => AUTHORS_MAX) {
    this.#clock = clock
    this.#localSeq = localSeq
    this.#logsMax = logsMax
  }

  /** Limits the logs that a connection tracks. The oldest are forgotten, so that new ones are always followed. */
  bound(tracked: Map<LogId, unknown> | Set<LogId>): void {
    forgetOldest(tracked, trackedLogsMax(this.#logsMax()))
  }

  /**
   * A connection opened. `peer` is the author at the other end, if proven: they push their own entries. A connection with a
   * scuttleup peer has no `control`: it delivers everything.
   */
  open(peer: AuthorId | undefined, control: ConnectionControl | undefined): TreeConnection {
    const connection = new TreeConnection(this, peer, control)
    this.#connections.add(connection)
    return connection
  }

  /** The peer of a connection announced a higher head of a log. */
  announced(connection: TreeConnection, author: LogId): void {
    if (connection.announcedSeq(author) <= this.#localSeq(author)) return
    const behind = this.#behind.get(author)
    if (behind === undefined && !this.#hasRoomFor(connection)) return
    // A peer that announces entries will not send them unasked: subscribe unless another connection delivers the log.
    if (!this.#hasOtherSource(author, connection) && !connection.isSubscribed(author)) connection.subscribe(author)
    if (behind === undefined) this.#watch(author, connection)
    else if (behind.waitMs > SUBSCRIBE_AFTER_MS) this.#wait(author, behind, SUBSCRIBE_AFTER_MS)
  }

  /** The peer of a connection has less of a log than it announced: others deliver the rest. */
  retracted(connection: TreeConnection, author: LogId): void {
    const behind = this.#behind.get(author)
    if (behind === undefined) return
    const [next] = this.#announcers(author)
    if (next === undefined) this.#forget(author)
    else if (!this.#hasOtherSource(author, connection)) this.#subscribeNext(author)
    this.#lookAgainWithRoom()
  }

  /** Entries up to `last` arrived. Unsubscribes if they are duplicates and another connection delivers the log too. */
  delivered(connection: TreeConnection, author: LogId, last: Seq): void {
    if (last <= this.#localSeq(author) && this.#hasOtherSource(author, connection)) connection.unsubscribe(author)
  }

  /** A log that had stopped may grow again. */
  retry(author: LogId): void {
    for (const connection of this.#announcers(author)) {
      connection.forget(author) // entries that the peer sent were dropped: subscribe again, from our head
      this.announced(connection, author)
    }
  }

  /** This disk no longer stores a log or any record of it. */
  dropped(author: LogId): void {
    this.#forget(author)
    for (const connection of this.#connections) connection.dropped(author)
  }

  /** A connection closed: other announcers replace it. */
  close(connection: TreeConnection): void {
    this.#connections.delete(connection)
    for (const [author, behind] of [...this.#behind]) {
      if (behind.announcer === connection) this.#replaceAnnouncer(author, behind)
      if (connection.delivers(author) && !this.#hasOtherSource(author, connection)) this.#subscribeNext(author)
    }
    if (this.#isCrowded) this.#lookAgain()
  }

  /**
   * Replaces the announcer of a log. Without another announcer, stops following the log: entries that only the closed connection announced
   * may not exist.
   */
  #replaceAnnouncer(author: LogId, behind: Behind): void {
    const [next] = this.#announcers(author)
    if (next === undefined) {
      this.#forget(author)
      return
    }
    behind.announcer = next
    next.followed += 1
  }

  /**
   * Whether to follow one more log that a connection announces. When too many are followed, one log of the connection that
   * announced most of them is dropped, so that made-up heads do not displace real ones.
   */
  #hasRoomFor(connection: TreeConnection): boolean {
    if (this.#behind.size < FOLLOWED_MAX) return true
    this.#isCrowded = true
    let busiest = connection
    for (const other of this.#connections) if (other.followed > busiest.followed) busiest = other
    if (busiest === connection) return false
    for (const [author, { announcer }] of this.#behind) if (announcer === busiest) return this.#forget(author)
    return false
  }

  #forget(author: LogId): boolean {
    const behind = this.#behind.get(author)
    if (behind === undefined) return false
    behind.cancel()
    behind.announcer.followed -= 1
    return this.#behind.delete(author)
  }

  #lookAgainWithRoom(): void {
    if (this.#isCrowded && this.#behind.size < FOLLOWED_MAX / 2) this.#lookAgain()
  }

  /** Follows logs that were announced while too many were followed. */
  #lookAgain(): void {
    this.#isCrowded = false
    for (const connection of this.#connections)
      for (const author of connection.announcedLogs) if (!this.#behind.has(author)) this.announced(connection, author)
  }

  #hasOtherSource(author: LogId, except: TreeConnection): boolean {
    for (const connection of this.#connections) if (connection !== except && connection.delivers(author)) return true
    return false
  }

  #watch(author: LogId, announcer: TreeConnection): void {
    const seq = this.#localSeq(author)
    const cancel = this.#clock.after(SUBSCRIBE_AFTER_MS, () => this.#checkProgress(author))
    announcer.followed += 1
    const arrivals = this.#arrivals(author)
    this.#behind.set(author, { announcer, seq, arrivals, idleMs: 0, waitMs: SUBSCRIBE_AFTER_MS, cancel })
  }

  #wait(author: LogId, behind: Behind, waitMs: number): void {
    behind.cancel()
    behind.waitMs = waitMs
    behind.cancel = this.#clock.after(waitMs, () => this.#checkProgress(author))
  }

  /** If the announced entries neither arrived nor are arriving, subscribes to the next announcer, with exponential backoff. */
  #checkProgress(author: LogId): void {
    const behind = this.#behind.get(author)
    if (behind === undefined) return
    if (this.#announcers(author).length === 0) {
      this.#forget(author)
      this.#lookAgainWithRoom()
      return
    }
    const [seq, arrivals] = [this.#localSeq(author), this.#arrivals(author)]
    behind.idleMs = seq > behind.seq ? 0 : behind.idleMs + behind.waitMs
    const isStalled = behind.idleMs >= STALL_MS_MAX
    const isArriving = seq > behind.seq || (arrivals > behind.arrivals && !isStalled)
    if (!isArriving) this.#subscribeNext(author, isStalled)
    behind.seq = seq
    behind.arrivals = arrivals
    this.#wait(author, behind, isArriving ? SUBSCRIBE_AFTER_MS : Math.min(RETRY_MS_MAX, behind.waitMs * 2))
  }

  /** Subscribes on the next announcing connection. Once all subscriptions have stalled, repeats the subscriptions in turn. */
  #subscribeNext(author: LogId, isStalled = false): void {
    const announcers = this.#announcers(author)
    if (isStalled && announcers.every(connection => connection.isSubscribed(author)))
      for (const connection of announcers) connection.forget(author)
    announcers.find(connection => !connection.isSubscribed(author))?.subscribe(author)
  }

  /** The connections that announced more of a log than this peer has. */
  #announcers(author: LogId): TreeConnection[] {
    const seq = this.#localSeq(author)
    return [...this.#connections].filter(connection => connection.announcedSeq(author) > seq)
  }

  #arrivals(author: LogId): number {
    const subscribed = this.#announcers(author).filter(connection => connection.isSubscribed(author))
    return subscribed.reduce((sum, { arrivals }) => sum + arrivals, 0)
  }
}

/** One connection as the broadcast tree sees it. */
export class TreeConnection {
  readonly #tree: BroadcastTree
  readonly #peer: AuthorId | undefined
  readonly #control: ConnectionControl | undefined
  /** The heads that the peer announced. */
  readonly #announced = new Map<LogId, Seq>()
  /** Logs that this connection delivers. For a scuttleup peer, which has no subscriptions: the logs whose entries it has sent. */
  readonly #subscribed = new Set<LogId>()
  /** The peer's own logs that this side unsubscribed from. */
  readonly #unsubscribed = new Set<LogId>()
  #arrivals = 0
  /** Number of logs that are followed because this connection announced them first. */
  followed = 0

  constructor(tree: BroadcastTree, peer: AuthorId | undefined, control: ConnectionControl | undefined) {
    this.#tree = tree
    this.#peer = peer
    this.#control = control
  }

  /** How many times entries arrived. */
  get arrivals(): number {
    return this.#arrivals
  }

  get announcedLogs(): Iterable<LogId> {
    return this.#announced.keys()
  }

  announcedSeq(author: LogId): Seq {
    return this.#announced.get(author) ?? 0
  }

  isSubscribed(author: LogId): boolean {
    return this.#subscribed.has(author)
  }

  /** Whether new entries of a log are expected over this connection. */
  delivers(author: LogId): boolean {
    return this.#subscribed.has(author) || (authorOfLog(author) === this.#peer && !this.#unsubscribed.has(author))
  }

  /** The peer announced its persisted heads. Seq 0 means that it dropped the log, and our subscription to it. */
  announced(heads: readonly Digest[]): void {
    if (this.#control === undefined) return
    for (const { author, seq } of heads) {
      const before = this.#announced.get(author) ?? 0
      this.#announced.delete(author)
      if (seq > 0) this.#announced.set(author, seq)
      else this.forget(author)
      this.#tree.bound(this.#announced)
      if (seq > before) this.#tree.announced(this, author)
      else if (seq < before) this.#tree.retracted(this, author)
    }
  }

  /** Entries up to `last` arrived over this connection. */
  delivered(author: LogId, last: Seq): void {
    this.#arrivals += 1
    if (this.#control !== undefined) this.#tree.delivered(this, author, last)
    else this.#deliver(author)
  }

  subscribe(author: LogId): void {
    this.#deliver(author)
    this.#unsubscribed.delete(author)
    this.#control?.subscribe(author)
  }

  unsubscribe(author: LogId): void {
    if (!this.delivers(author)) return
    this.forget(author)
    if (authorOfLog(author) === this.#peer) this.#unsubscribed.add(author)
    this.#tree.bound(this.#unsubscribed)
    this.#control?.unsubscribe(author)
  }

  /** This disk no longer stores a log or any record of it. */
  dropped(author: LogId): void {
    this.unsubscribe(author)
    this.#announced.delete(author)
    this.#control?.forget?.(author)
  }

  /** Forgets a subscription that delivered nothing, so that it can be repeated. */
  forget(author: LogId): void {
    this.#subscribed.delete(author)
  }

  close(): void {
    this.#tree.close(this)
  }

  #deliver(author: LogId): void {
    this.#subscribed.add(author)
    this.#tree.bound(this.#subscribed)
  }
}
