import { EventEmitter } from 'node:events'
import path from 'node:path'
import type { Readable } from 'node:stream'
import type { Clock } from '../base/clock.js'
import { loadKey } from '../base/crypto/key-file.js'
import type { KeyPair } from '../base/crypto/signing.js'
import { ChatError, reasonOf } from '../base/errors.js'
import { systemRandom } from '../base/random.js'
import type { BlockRows } from './content/block-rows.js'
import { Contents } from './content/contents.js'
import { LogContents } from './content/log-contents.js'
import { LogCore } from './core.js'
import { DiskRecovery } from './disk-recovery.js'
import { Splitter } from './forks/splitter.js'
import { type AuthorId, authorOfLog, isSigned, type LogId, type Run, runOf, type Seq } from './format/author.js'
import type { Entry, Members } from './format/entry.js'
import { CHAIN_PREFIX_BYTES, type Digest } from './format/heads.js'
import type { Hlc } from './format/hybrid-clock.js'
import { logOfSegment, type Segment } from './format/segment.js'
import type { SignedRun } from './format/segment-plan.js'
import type { UnsignedRun } from './format/unsigned-entry.js'
import { Intake } from './intake.js'
import type { DoubtReason } from './mark/doubt.js'
import type { FoundMark } from './mark/own-mark.js'
import type { LogEvents, LogOptions, ReadMark, ReadOptions, Refusal, RelayOptions } from './options.js'
import { Appender } from './own/appender.js'
import { EntryStream } from './read/entry-stream.js'
import { marksAfterForks } from './read/marks-after-forks.js'
import type { Relayed } from './read/outgoing.js'
import { Reader } from './read/reader.js'
import type { SeqRange, Subscription } from './read/subscription.js'
import type { RequestId } from './request-id.js'
import type { Requests } from './requests.js'
import { Shortener } from './shortener.js'
import { LevelStore } from './store/level-store.js'
import { SharedRows } from './store/shared-rows.js'
import { ALL_ROWS, type Store } from './store/store.js'
import type { Introducer, StrangerQuota } from './stranger-quota.js'
import { type Verified, verifyAllLogs, verifyLog } from './verification.js'

/**
 * The append-only logs of one room on one disk: ours, and those of all other authors. The contract:
 *
 * 1. Persisted before shown. An entry is acknowledged to its author, shown to readers and announced to peers only when it is on disk.
 * 2. Recorded before sent. An entry of ours is sent only after the database and the mark record it. So if a crash loses entries that a
 *    peer may have, the next start notices.
 * 3. One history. A seq of our log that a peer may have is never reused: when the end of our log is in doubt, the next entry opens a
 *    new run.
 * 4. Signed and gapless. An entry is stored only if it continues its log and, unless its author is unsigned, its author signed it.
 * 5. Forks are proven. If two histories of one log are signed, the log ends at the fork, which is at the same entry on every peer, and
 *    each history goes on in a log of its own.
 * 6. Each entry once. A live reader gets each entry once, in the order of its log, whatever arrives while it reads the history.
 *    Exception: entries of strangers that were dropped because others needed the space are shown again when they are fetched again.
 * 7. Failures block. After a failed write nothing is written until the database was reopened and read again; entries from peers wait.
 */
export class Log extends EventEmitter<LogEvents> {
  /** Which places have content; drops and restores it. */
  readonly contents: LogContents
  /** Client requests whose entries are stored. */
  readonly requests: Requests
  readonly #core: LogCore
  readonly #recovery: DiskRecovery
  readonly #intake: Intake
  readonly #appender: Appender
  readonly #reader: Reader
  #isClosed = false

  private constructor(store: Store, keys: KeyPair, options: LogOptions) {
    super()
    this.setMaxListeners(0)
    this.#core = new LogCore(store, keys, options, this, {
      onGap: (author, missing) => this.#recovery.lose(author, missing),
      recover: () => this.#recovery.recover(),
      onWritable: () => {
        this.#core.report({ kind: 'disk-recovered' })
        this.#recovery.wake()
        void this.#recovery.finishDrops()
      },
    })
    const contents = new Contents(this.#core)
    const splitter = new Splitter(this.#core, contents)
    const shortener = new Shortener(this.#core, contents)
    this.#recovery = new DiskRecovery(this.#core, splitter, contents, shortener)
    this.#intake = new Intake(this.#core, splitter, shortener, contents)
    this.#appender = new Appender(this.#core, this.#recovery)
    this.#reader = new Reader(this.#core)
    this.contents = new LogContents(contents, this.#core.gaps, this.#recovery, log => this.emit('gaps', log))
    this.requests = this.#core.requests
  }

  /** Opens the logs in `directory`, created if missing. Rejects with DATA_UNUSABLE, LOG_LOCKED or LOG_CORRUPT. */
  static async open(directory: string, options: LogOptions): Promise<Log> {
    const store = await LevelStore.open(directory)
    try {
      const keys = options.keys ?? (await loadKey(path.join(directory, 'key'), options.random ?? systemRandom))
      return await Log.over(store, keys, options)
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /** Opens the logs in `store`; the log closes it. */
  static async over(store: Store, keys: KeyPair, options: LogOptions): Promise<Log> {
    const log = new Log(store, keys, options)
    try {
      await log.#recovery.open(options.isNewKey ?? true, options.isRepaired ?? false)
      return log
    } catch (cause) {
      await store.close()
      throw cause instanceof ChatError
        ? cause
        : new ChatError('DATA_UNUSABLE', `the logs cannot be read: ${reasonOf(cause)}`, { cause })
    }
  }

  get clock(): Clock {
    return this.#core.clock
  }

  /** The author of our entries: the public key, as 64 hex digits. */
  get author(): AuthorId {
    return this.#core.own.person
  }

  /** The log that `append` extends. */
  get id(): LogId {
    return this.#core.own.author
  }

  /** Bounds what strangers may store here. */
  get quota(): StrangerQuota | undefined {
    return this.#core.quota
  }

  /** Whether a log is signed with our key. */
  isOurs(log: LogId): boolean {
    return this.#core.own.isOurs(log)
  }

  /** Whether the user knows the author of a log. */
  isKnown(log: LogId): boolean {
    return this.#core.isKnown(log)
  }

  /** Largest number of logs on this disk; ours are stored in any case. */
  get logsMax(): number {
    return this.#core.frontier.logsMax
  }

  /** The last seq of each log on this disk. */
  get head(): Digest[] {
    return this.#core.frontier.heads
  }

  /** The heads of all logs to announce to a peer. */
  get announcedHeads(): Digest[] {
    return this.head
      .filter(({ author }) => this.#core.forks.isPlaced(author))
      .map(({ author }) => this.announcedHead(author))
  }

  /** The head of one log to announce to a peer. */
  announcedHead(author: LogId): Digest {
    const { frontier } = this.#core
    const persisted = frontier.persisted(author)
    const chain = frontier.chainAt(author, persisted)
    return {
      author,
      seq: persisted,
      ...(chain !== undefined && persisted > 0 && { chain: chain.subarray(0, CHAIN_PREFIX_BYTES) }),
    }
  }

  /** The log itself or, for a branch, the log in which its run began. */
  startOf(log: LogId): LogId {
    return this.#core.forks.startOf(log)
  }

  /** Where an entry is now: its log may have been divided since. */
  placeOf(place: Digest): Digest {
    return this.#core.forks.placeOf(place)
  }

  get isReadOnly(): boolean {
    return this.#core.queue.isReadOnly
  }

  /**
   * Appends an entry to our log; resolves when it is on disk. The same commit stores `request`, so that a client that repeats the
   * request learns that its entry is stored.
   * Rejects with BAD_MESSAGE, LOG_WRITE_FAILED, LOG_READ_ONLY or LOG_CLOSED.
   */
  append(members: Members, request?: RequestId): Promise<Entry> {
    return this.#appender.append(members, request)
  }

  /** The entry at (author, seq), if this disk has it. */
  async entry(author: LogId, seq: Seq): Promise<Entry | undefined> {
    if (seq < 1 || seq > this.#core.frontier.persisted(author)) return undefined
    for await (const [entry] of this.#reader.log({ author, from: seq, to: seq + 1 }, true))
      return entry?.gap === undefined ? entry : undefined
    return undefined
  }

  /**
   * Adds the entries of an unsigned author that continue the log; skips those already stored. Resolves when they are on disk. While
   * the disk fails it waits, so that nothing is lost.
   */
  add(run: UnsignedRun, introducer?: Introducer): Promise<Refusal | undefined> {
    return this.#recovery.whenWritable(run.author, () => this.#intake.add(run, introducer))
  }

  /** Like `add`, for consecutive runs of a signed author: only entries that a valid signature covers are stored. */
  addSigned(author: LogId, runs: readonly SignedRun[], introducer?: Introducer): Promise<Refusal | undefined> {
    return this.#recovery.whenWritable(
      author,
      () => this.#intake.addSigned(author, runs, introducer),
      () => this.#intake.leaveFor(author, runs),
    )
  }

  /** Adds a fork proof from a peer if it is valid. While the disk fails it waits. */
  addProof(segments: readonly [Segment, Segment]): Promise<Refusal | undefined> {
    return this.#recovery.whenWritable(logOfSegment(segments[0]), () => this.#intake.addProof(segments))
  }

  /** Heads with the same seq as those on this disk but a different chain value. */
  differingHeads(heads: readonly Digest[]): Digest[] {
    return this.#intake.differing(heads)
  }

  /** A peer has a different history of a log of ours: compare the segments that it sends with ours. False if the fork is known. */
  ourLogDiffers(log: LogId): boolean {
    const { forks } = this.#core
    if (forks.proofOf(log) !== undefined) return false
    forks.suspect(log)
    return true
  }

  /** The segment with an entry, for a peer that requests it. */
  async segmentAt(author: LogId, seq: Seq): Promise<Segment | undefined> {
    const { frontier, forks } = this.#core
    return seq > frontier.persisted(author) ? undefined : forks.segmentAt(author, seq)
  }

  /** The first seq at which a log has two proven histories, each of which continues in a branch. */
  forkOf(log: LogId): Seq | undefined {
    return this.#core.forks.proofOf(log)?.forkedAt
  }

  /** Why our next entry opens a new run; undefined if the end of our log is certain. */
  get doubt(): DoubtReason | undefined {
    return this.#core.own.doubt
  }

  /** Where the logs of an author end on this disk, run by run. */
  endsOf(author: AuthorId): { readonly run: Run; readonly seq: Seq; readonly chain: Uint8Array }[] {
    const { frontier } = this.#core
    return frontier.heads.flatMap(({ author: log, seq }) => {
      const chain = authorOfLog(log) === author && seq > 0 ? frontier.chainAt(log, frontier.persisted(log)) : undefined
      return chain === undefined ? [] : [{ run: runOf(log), seq: frontier.persisted(log), chain }]
    })
  }

  /**
   * In a private room: assigns our later entries to the term that `admission` opened; undefined for the first term. The runs of a
   * term name its admission. `stored`: the admission that the current run names on disk.
   */
  enterTerm(admission: string | undefined, stored: string | undefined): void {
    void this.#core.own.enterTerm(admission, stored)
  }

  /** Rows of another part of the program in this database. */
  rowsUnder(prefix: Uint8Array): SharedRows {
    return new SharedRows(prefix, this.#core.store, this.#core.queue)
  }

  /** Rows that are derived from contents, and deleted together with them. */
  get blocks(): BlockRows {
    return this.#core.blocks
  }

  /**
   * The date of the `count`th entry from the end of the conversation, among those that `isCounted` selects; undefined if there are fewer.
   */
  dateOfLast(count: number, isCounted: (entry: Uint8Array) => boolean): Promise<Hlc | undefined> {
    return this.#reader.dateOfLast(count, isCounted)
  }

  /** A date later than every date that our clock has observed. Our next entry is dated later still. */
  dateOfNext(): Hlc {
    return this.#core.hybridClock.next()
  }

  /** Dates our next entries after this one, unless it is too far ahead of the system clock. */
  observe(date: Hlc): void {
    this.#core.hybridClock.observe(date, this.id)
  }

  /** Disk usage of the room in bytes; undefined if the store does not report it. */
  async diskBytes(): Promise<number | undefined> {
    return this.#core.store.bytes?.()
  }

  /** The latest date in a log. */
  lastAtOf(log: LogId): Hlc | undefined {
    return this.#core.frontier.pendingHead(log)?.last
  }

  /** Compacts all files, which drops the replaced rows from them. */
  async compactFiles(): Promise<void> {
    await this.#core.store.compact?.(ALL_ROWS)
  }

  /** Deletes files whose rows have been rewritten, unless a reader still uses them. */
  async deleteReplacedFiles(): Promise<void> {
    await this.#core.store.sweep?.()
  }

  /** The entries of one log, in order. */
  entries(range: SeqRange): AsyncGenerator<readonly Entry[]> {
    return this.#reader.log(range, true)
  }

  /** Resolves when writing is possible, or the log is closed. */
  async writable(): Promise<void> {
    await this.#recovery.writable()
  }

  /** Batches of entries: the history in conversation order, then, with `live`, entries as they arrive. Each entry once. */
  read(options: ReadOptions = {}): AsyncGenerator<readonly Entry[]> {
    return this.#reader.read(options)
  }

  /** Everything that a native peer lacks, as stored. */
  relay(since: readonly Digest[] = []): AsyncGenerator<Relayed> {
    return this.#reader.relay(since)
  }

  /** Relays a subscription to the native peer that it was opened for. */
  follow(options: RelayOptions): AsyncGenerator<Relayed> {
    return this.#reader.follow(options)
  }

  /** Subscribes to everything that arrives from now on, on behalf of a peer. */
  openSubscription(): Subscription {
    return this.#core.announcer.subscribe(undefined, true)
  }

  /** The last seq of a log, including entries that are being written. */
  localSeq(author: LogId): Seq {
    return this.#core.frontier.pendingHead(author)?.seq ?? 0
  }

  /** Readable stream of entries (scuttleup's API names). */
  createReadStream(options: ReadOptions = {}): Readable {
    return new EntryStream(given => this.read(given), options)
  }

  /** Verifies every row of one log. */
  async verify(author: LogId): Promise<Pick<Verified, 'last' | 'fault' | 'without'>> {
    return verifyLog(this.#core, author)
  }

  /** Verifies all logs. Ending before the recorded end is a fault too. */
  verifyAll(known: FoundMark | undefined): AsyncGenerator<Verified> {
    return verifyAllLogs(this.#core, known)
  }

  /** Looks for entries that this disk lost silently, reports them, and has them fetched again. */
  async inspect(): Promise<void> {
    const { store, segments, unsigned } = this.#core
    await store.inspect?.()
    for (const { author, seq } of this.head) {
      if (this.#isClosed) return
      await (isSigned(author) ? segments : unsigned).inspect(author, seq)
    }
  }

  /** Ends all readers, waits for pending writes, and closes the database. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const { announcer, queue, mark, store } = this.#core
    announcer.close()
    this.#recovery.close()
    await queue.close()
    // Close the mark before releasing the lock of the database, so that the next process has exclusive access to both.
    await mark?.close(this.head)
    await store.close()
  }

  /** The prefix of the chain value after an entry, as peers send it with their heads. */
  async chainAt(log: LogId, seq: Seq): Promise<Uint8Array | undefined> {
    return (await this.chainValueAt(log, seq))?.subarray(0, CHAIN_PREFIX_BYTES)
  }

  /** The chain value after an entry; undefined if this disk does not have it. */
  async chainValueAt(log: LogId, seq: Seq): Promise<Uint8Array | undefined> {
    const { frontier, segments } = this.#core
    if (seq > frontier.persisted(log)) return undefined
    return frontier.chainAt(log, seq) ?? segments.chainAt(log, seq)
  }

  /** Adjusts read marks to the forks known now: a mark after a fork moves to the branch that has its chain value. */
  marksNow(marks: readonly ReadMark[]): Promise<ReadMark[]> {
    return marksAfterForks(marks, this.#core.forks, (log, seq) => this.chainAt(log, seq))
  }
}
