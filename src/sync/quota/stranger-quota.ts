import type { Clock, Millis } from '../../base/clock.js'
import { TokenBucket } from '../../base/token-bucket.js'
import { type AuthorId, authorOf, authorOfLog, isSigned, type LogId, type Seq } from '../../log/format/author.js'
import type { KnownPeople } from '../../log/known-people.js'
import type { Admission, Cut, Introducer, StrangerQuota, StrangerRecord } from '../../log/stranger-quota.js'
import { FirstIntroducers } from './first-introducers.js'
import { PASSED_ON_LOGS_MAX, STRANGER_BYTES_MAX, STRANGER_LOGS_MAX } from './limits.js'
import { keptBack } from './passed-on.js'
import { KEPT_BYTES, StrangerPool } from './stranger-pool.js'

/** Share of the user's disk limit that strangers may use, in each room. */
const STRANGER_DISK_SHARE = 1 / 4
/** Logs that are remembered as stopped: more than a peer with a larger pool relays, so that none is forgotten and then fetched again. */
export const STOPPED_MAX = 4_096
/** How long the logs of a closed connection still use that connection's share. */
const GONE_MS: Millis = 60_000
/** Share of the pool that has to be free for a stopped log to resume automatically. */
const FREE_SHARE = 1 / 4
/** Stops that are reported in a minute. */
const REPORTS_PER_MINUTE = 4

/** The introducer of imported logs, which came over no connection. */
const IMPORTED = ''

export interface QuotaOptions {
  readonly known: KnownPeople
  readonly clock: Clock
  /** The user's disk limit. Default: none. */
  readonly diskBytesMax?: number | undefined
}

/**
 * Limits how much strangers can make this peer store and relay. A stranger's entry passes these gates, in this order, after those of
 * the connection (`net/README.md`):
 *
 *  1. exemption: no limit applies to authors whom the user knows by an act of the user (`KnownPeople`);
 *  2. stopped logs: no entries are stored until the user asks for the log or addresses its author, or a quarter of the pool is free;
 *  3. unsigned authors who are connected, or were within the last minute: only entries from their own connection are stored;
 *  4. the pool of the room (`StrangerPool`): min(256 MiB, ¼ of what the user allows) and 2,000 logs. While it has room, everything is
 *     stored. When it is full, introducers share it max-min. The introducer is the connection until a minute after it closed, then the
 *     address block that it came from (on loopback, its key); for a known person it stays their key. A log that may not grow stops at
 *     the end of a segment;
 *  5. relaying: stored logs are relayed, but logs that did not come from their authors only within our share at other peers
 *     (`keptBack`), so that one stranger does not use it up.
 *
 * The decisions are stored with the logs (`record`): a restart changes no share, and stopped logs are not fetched again.
 */
export class Quota implements StrangerQuota {
  readonly #known: KnownPeople
  readonly #clock: Clock
  readonly #bytesMax: number
  readonly #logsMax: number
  readonly #pool: StrangerPool
  readonly #stopped = new Map<LogId, Seq>()
  readonly #lifted = new Set<LogId>()
  readonly #resumed = new Set<LogId>()
  /** Logs that are being deleted. */
  readonly #leaving = new Set<LogId>()
  /** Cached result of `keptBack`; undefined after the pool changed. */
  #keptBack: ReadonlySet<LogId> | undefined
  /** Introducers connected now or a minute ago: the block whose share their logs use later, and the number of connections. */
  readonly #connected = new Map<string, { readonly block: string; readonly count: number }>()
  readonly #firstIntroducers = new FirstIntroducers()
  readonly #listeners: ((log: LogId) => void)[] = []
  readonly #recordListeners: ((log: LogId) => void)[] = []
  readonly #reports: TokenBucket
  /** Stops listening for people who become known. */
  readonly close: () => void

  constructor({ known, clock, diskBytesMax = Number.POSITIVE_INFINITY }: QuotaOptions) {
    this.#known = known
    this.#clock = clock
    this.#bytesMax = Math.max(KEPT_BYTES, Math.min(STRANGER_BYTES_MAX, Math.floor(diskBytesMax * STRANGER_DISK_SHARE)))
    this.#logsMax = Math.min(STRANGER_LOGS_MAX, Math.floor(this.#bytesMax / KEPT_BYTES))
    this.#pool = new StrangerPool(this.#bytesMax, this.#logsMax)
    this.#reports = new TokenBucket(REPORTS_PER_MINUTE, clock.now(), 60_000)
    this.close = known.onKnown(author => this.#becameKnown(author))
  }

  get stopped(): ReadonlyMap<LogId, Seq> {
    return this.#stopped
  }

  /** Bytes and logs of strangers. */
  get usage(): { readonly bytes: number; readonly logs: number } {
    return { bytes: this.#pool.bytes, logs: this.#pool.size }
  }

  isStranger(log: LogId): boolean {
    return !this.#known.isKnown(authorOfLog(log)) && !this.#lifted.has(log)
  }

  isStopped(log: LogId): boolean {
    if (!this.#stopped.has(log)) return false
    if (this.#pool.free < this.#bytesMax * FREE_SHARE || this.#pool.size >= this.#logsMax) return true
    this.#resume(log)
    return false
  }

  isResumed(log: LogId): boolean {
    return this.#resumed.has(log)
  }

  companionsOf(author: AuthorId): readonly AuthorId[] {
    const introducers = this.#firstIntroducers.of(author).filter(id => !this.#isKnownOwner(id))
    const found = new Set(introducers.flatMap(id => this.#firstIntroducers.introducedBy(id)))
    found.delete(author)
    return [...found].filter(other => !this.#known.isKnown(other))
  }

  isPassedOn(log: LogId): boolean {
    if (this.#leaving.has(log)) return false
    if (this.#pool.size <= PASSED_ON_LOGS_MAX) return true
    this.#keptBack ??= keptBack(
      this.#pool.relayed.filter(({ owner }) => !this.#isKnownOwner(owner)).map(({ logs }) => logs),
    )
    return !this.#keptBack.has(log)
  }

  admit(log: LogId, bytes: number, introducer: Introducer | undefined): Admission {
    if (!this.isStranger(log)) return { kind: 'stored', bytesMax: Number.POSITIVE_INFINITY }
    if (this.isStopped(log)) return { kind: 'stopped' }
    if (this.#comesFromAuthorElsewhere(log, introducer)) return { kind: 'relayed' }
    return { kind: 'stored', bytesMax: Math.max(bytes, this.#pool.limitOf(log, this.#ownerOf(introducer))) }
  }

  grew(log: LogId, bytes: number, introducer: Introducer | undefined): readonly Cut[] {
    if (!this.isStranger(log)) return []
    this.#firstIntroducers.note(log, introducer?.id)
    const isRelayed = !isFromAuthor(log, introducer)
    const owner = this.#ownerOf(introducer)
    const before = this.#pool.ownerOf(log)
    // An author who sends their own log becomes its introducer. Otherwise the first introducer remains, while it is connected.
    const isMoved = before !== undefined && (!isRelayed || !this.#connected.has(before))
    if (isMoved) this.#pool.move(log, owner, isRelayed)
    const cuts = this.#pool.grow(log, bytes, before ?? owner, isRelayed)
    if (before === undefined || (isMoved && before !== owner)) this.#changed(log)
    if (before === undefined || isMoved || cuts.length > 0) this.#keptBack = undefined
    for (const cut of cuts) if (cut.bytesKept === 0) this.#leaving.add(cut.log)
    return cuts
  }

  resized(log: LogId, bytes: number): void {
    this.#leaving.delete(log)
    const wasInPool = this.#pool.has(log)
    this.#pool.resize(log, bytes)
    // It may have been forgotten while it was being deleted.
    if (bytes === 0 && (wasInPool || this.record(log) === undefined)) this.#changed(log)
    // The limit may have been lifted while the log was being truncated.
    if (!this.#stopped.has(log)) this.#notify(log)
  }

  stop(log: LogId, last: Seq): boolean {
    const known = this.#stopped.get(log)
    this.#stopped.delete(log)
    this.#stopped.set(log, Math.max(last, known ?? 0))
    if (known === undefined) this.#changed(log)
    const [oldest] = this.#stopped.keys()
    if (this.#stopped.size > STOPPED_MAX && oldest !== undefined) {
      this.#stopped.delete(oldest)
      this.#changed(oldest)
    }
    return known === undefined && this.#reports.take(this.#clock.now())
  }

  reset(
    logs: Iterable<{ readonly author: LogId; readonly size: number }>,
    records: ReadonlyMap<LogId, StrangerRecord>,
  ): readonly Cut[] {
    for (const [log, { firstIntroducer, stopped, isLifted }] of records) {
      if (!this.isStranger(log)) continue
      if (firstIntroducer !== undefined) this.#firstIntroducers.note(log, firstIntroducer)
      if (isLifted) this.#lifted.add(log)
      else if (stopped !== undefined && !this.#stopped.has(log)) this.#stopped.set(log, stopped)
    }
    this.#leaving.clear()
    const cuts: Cut[] = []
    const sizes = new Map([...logs].map(({ author, size }) => [author, size]))
    for (const log of [...this.#pool.logs]) if (!sizes.has(log)) this.#pool.remove(log)
    for (const [log, bytes] of sizes) {
      const record = records.get(log)
      if (this.#pool.has(log)) this.#pool.resize(log, bytes)
      else if (this.isStranger(log))
        cuts.push(...this.#pool.grow(log, bytes, record?.block ?? IMPORTED, record?.isRelayed ?? true))
    }
    this.#keptBack = undefined
    return cuts
  }

  record(log: LogId): StrangerRecord | undefined {
    const owner = this.#pool.ownerOf(log)
    const [stopped, isLifted] = [this.#stopped.get(log), this.#lifted.has(log)]
    if (this.#known.isKnown(authorOfLog(log)) || (owner === undefined && stopped === undefined && !isLifted))
      return undefined
    const block = this.#connected.get(owner ?? '')?.block ?? owner ?? IMPORTED
    const firstIntroducer = this.#firstIntroducers.get(log)
    return { block, firstIntroducer, isRelayed: this.#pool.isRelayed(log), stopped, isLifted }
  }

  onRecord(listener: (log: LogId) => void): void {
    this.#recordListeners.push(listener)
  }

  lift(log: LogId): void {
    this.#lifted.add(log)
    this.#release(log)
  }

  onLifted(listener: (log: LogId) => void): void {
    this.#listeners.push(listener)
  }

  connected(introducer: Introducer): () => void {
    const { id } = introducer
    this.#connected.set(id, { block: this.#blockOf(introducer), count: (this.#connected.get(id)?.count ?? 0) + 1 })
    return () => void this.#clock.after(GONE_MS, () => this.#gone(id))
  }

  #gone(id: string): void {
    const { block, count } = this.#connected.get(id) ?? { block: id, count: 0 }
    if (count > 1) {
      this.#connected.set(id, { block, count: count - 1 })
      return
    }
    this.#connected.delete(id)
    this.#pool.moveAll(id, block)
    this.#keptBack = undefined
  }

  #ownerOf(introducer: Introducer | undefined): string {
    if (introducer === undefined) return IMPORTED
    return this.#connected.has(introducer.id) ? introducer.id : this.#blockOf(introducer)
  }

  #blockOf({ id, block }: Introducer): string {
    return this.#isKnownOwner(id) ? id : block
  }

  #isKnownOwner(owner: string): boolean {
    const author = authorOf(owner)
    return author !== undefined && isSigned(author) && this.#known.isKnown(author)
  }

  /** Nothing authenticates an unsigned author, but lines received from the author directly are not mixed with relayed ones. */
  #comesFromAuthorElsewhere(log: LogId, introducer: Introducer | undefined): boolean {
    if (isSigned(log) || !this.#pool.has(log) || this.#pool.isRelayed(log)) return false
    const owner = this.#pool.ownerOf(log) ?? ''
    return this.#connected.has(owner) && owner !== this.#ownerOf(introducer)
  }

  #becameKnown(author: string): void {
    const logs = new Set([...this.#pool.logs, ...this.#stopped.keys()])
    for (const log of logs) if (authorOfLog(log) === author) this.#release(log)
  }

  /** False if the log had not stopped. */
  #resume(log: LogId): boolean {
    if (!this.#stopped.delete(log)) return false
    this.#changed(log)
    this.#resumed.add(log)
    const [oldest] = this.#resumed
    if (this.#resumed.size > STOPPED_MAX && oldest !== undefined) this.#resumed.delete(oldest)
    return true
  }

  #release(log: LogId): void {
    this.#pool.remove(log)
    this.#keptBack = undefined
    if (this.#resume(log)) this.#notify(log)
    this.#changed(log)
  }

  #changed(log: LogId): void {
    for (const listener of this.#recordListeners) listener(log)
  }

  #notify(log: LogId): void {
    for (const listener of this.#listeners) listener(log)
  }
}

/** Whether the log came over its author's own connection. */
const isFromAuthor = (log: LogId, introducer: Introducer | undefined): boolean =>
  introducer?.author !== undefined && authorOfLog(log) === authorOfLog(introducer.author)
