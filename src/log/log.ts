import { EventEmitter } from 'node:events'
import path from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import { type Clock, type Millis, systemClock } from '../base/clock.js'
import { ChatError, reasonOf } from '../base/errors.js'
import { AUTHORS_MAX, FRAME_BYTES_MAX, MERGE_SEGMENTS } from '../base/limits.js'
import { type Random, systemRandom } from '../base/random.js'
import type { KeyPair } from '../base/signing.js'
import { Allowance } from './allowance.js'
import { HybridClock } from './at.js'
import { type AuthorId, isSigned, keyOf, type Seq } from './author.js'
import { CommitQueue } from './commit-queue.js'
import type { Run } from './effects.js'
import { type Entry, encodeEntry, type Members } from './entry.js'
import { Feed, type Span } from './feed.js'
import type { Digest, Head, SignedHead } from './head.js'
import { lastEntries, merge, type Stretch } from './history.js'
import { loadKey } from './identity.js'
import { LevelStore } from './level-store.js'
import type { ReadOptions, Refusal, ReplicationOptions } from './options.js'
import { OwnLog, storedOffer } from './own-log.js'
import type { Relayed } from './relay.js'
import { LOBBY, roomId } from './room.js'
import { headWrite, RowLogs } from './row-logs.js'
import { SegmentLogs } from './segment-logs.js'
import { planSigned, type SignedRun } from './segment-plan.js'
import { OFFERED_KEY, signedHeadWrite } from './segment-rows.js'
import type { Store, Write } from './store.js'
import { entryStream, replicationStream } from './streams.js'

export interface LogOptions {
  /** Whose log is extended; without them the key in the file `key` of the directory, made where there is none. */
  readonly keys?: KeyPair
  /** The id of the conversation, 32 bytes; without it that of the lobby. */
  readonly room?: Uint8Array
  readonly clock?: Clock
  readonly random?: Random
  /** How many authors are taken in; own and already known ones do not count against it. */
  readonly authorsMax?: number
}

export interface LogEvents {
  /** Entries became durable here, own and others'. */
  entries: [Span]
  /** One line for the user. */
  warning: [string]
  /** A failed write: nothing is written until `writable`. */
  'read-only': [string]
  writable: []
  /** An own entry whose append was rejected stands in the log after all. */
  recovered: [Entry]
  /** An author signed two histories. */
  fork: [AuthorId]
}

/** How long the own log may take to come back from a peer that holds more of it. */
const RESTORE_MS_MAX: Millis = 5_000

/** A head that knows what is on its way to the disk: `durable ≤ planned.seq`. */
interface Tip {
  planned: Head | SignedHead
  durable: Seq
  /** Segments since the last time small ones were joined, and where they begin. */
  loose: { count: number; from: Seq }
}

/** The append-only logs of one conversation, on one disk: one's own, and those of everyone heard of. */
export class Log extends EventEmitter<LogEvents> {
  readonly #store: Store
  readonly #clock: Clock
  readonly #room: Uint8Array
  readonly #authorsMax: number
  readonly #hybrid: HybridClock
  readonly #rows: RowLogs
  readonly #segments: SegmentLogs
  readonly #queue: CommitQueue
  readonly #own: OwnLog
  readonly #tips = new Map<AuthorId, Tip>()
  /** Logs whose end is being looked for again; nothing is added to them meanwhile. */
  readonly #relearning = new Map<AuthorId, Promise<void>>()
  readonly #feeds = new Set<Feed>()
  readonly #onceWritable: (() => void)[] = []
  #restoring: { readonly to: Seq; readonly done: Promise<void>; readonly finish: () => void } | undefined
  #isClosed = false

  private constructor(store: Store, keys: KeyPair, options: LogOptions) {
    super()
    this.setMaxListeners(0)
    this.#store = store
    this.#clock = options.clock ?? systemClock
    this.#room = options.room ?? roomId(LOBBY)
    this.#authorsMax = options.authorsMax ?? AUTHORS_MAX
    this.#hybrid = new HybridClock(this.#clock)
    const onHole = (author: AuthorId, missing: Seq): void => this.#lose(author, missing)
    this.#rows = new RowLogs(store, this.#hybrid, onHole)
    this.#segments = new SegmentLogs(store, this.#room, this.#hybrid, onHole)
    this.#queue = new CommitQueue(store, this.#clock, {
      onFailure: cause => this.emit('read-only', reasonOf(cause)),
      recover: () => this.#recover(),
      onRecovered: () => {
        this.emit('writable')
        for (const wake of this.#onceWritable.splice(0)) wake()
      },
    })
    this.#own = new OwnLog(keys, this.#room, this.#queue)
  }

  /** Opens the logs in `directory`, making it where it is not. Rejects with DATA_UNUSABLE, LOG_LOCKED or LOG_CORRUPT. */
  static async open(directory: string, options: LogOptions = {}): Promise<Log> {
    const store = await LevelStore.open(directory)
    const keys = options.keys ?? (await loadKey(path.join(directory, 'key'), options.random ?? systemRandom))
    return Log.over(store, keys, options)
  }

  /** The logs in `store`, which is then theirs to close. */
  static async over(store: Store, keys: KeyPair, options: LogOptions = {}): Promise<Log> {
    const log = new Log(store, keys, options)
    try {
      await log.#load()
      return log
    } catch (cause) {
      await store.close()
      throw cause instanceof ChatError
        ? cause
        : new ChatError('DATA_UNUSABLE', `the logs cannot be read: ${reasonOf(cause)}`, { cause })
    }
  }

  /** The author whose log `append` extends: the public key, as 64 hex digits. */
  get id(): AuthorId {
    return this.#own.author
  }

  /** How far each log goes on this disk. */
  get head(): Digest[] {
    const digests: Digest[] = []
    for (const [author, tip] of this.#tips) if (tip.durable > 0) digests.push({ author, seq: tip.durable })
    return digests
  }

  /** What a peer may be told before it has told its own: of the own log no more than somebody was told before. */
  get told(): Digest[] {
    return this.head.map(digest =>
      digest.author === this.id ? { ...digest, seq: Math.min(digest.seq, this.#own.offered) } : digest,
    )
  }

  get isReadOnly(): boolean {
    return this.#queue.isReadOnly
  }

  /**
   * Appends an entry to the own log; resolves when it is on disk. Nobody is sent or shown it before.
   * Rejects with BAD_MESSAGE, LOG_WRITE_FAILED, LOG_READ_ONLY or LOG_CLOSED.
   */
  async append(members: Members): Promise<Entry> {
    if (this.#restoring !== undefined) await this.#restoring.done
    if (this.#queue.isReadOnly) await this.#queue.write([]) // rejects with the reason
    if (this.#relearning.has(this.id)) await this.#relearning.get(this.id)
    const at = this.#hybrid.next(this.#own.last)
    const bytes = encodeEntry(at, this.#clock.now(), members)
    const { entry, stored } = this.#own.append(at, bytes, (from, to) => this.#stored(this.id, from, to, 1))
    const head = this.#own.head as SignedHead
    this.#tipOf(head).planned = head
    await stored
    return entry
  }

  /** What stands at (author, seq), if this disk holds it. */
  async entry(author: AuthorId, seq: Seq): Promise<Entry | undefined> {
    if (seq < 1 || seq > (this.#tips.get(author)?.durable ?? 0)) return undefined
    for await (const [entry] of this.#readLog({ author, from: seq, to: seq + 1 })) return entry
    return undefined
  }

  /**
   * Takes in what a peer sent of an unsigned author: only what continues the log at its head. Resolves when that is on
   * disk; what is held already is passed over. While the disk does not answer it waits, so that nothing is lost.
   */
  async add(run: Run, newAuthors?: Allowance): Promise<Refusal | undefined> {
    return this.#whenWritable(run.author, async () => {
      const tip = this.#tips.get(run.author)
      const skip = (tip?.planned.seq ?? 0) + 1 - run.first
      if (skip >= run.entries.length) return undefined
      if (skip < 0) return { reason: `entry ${run.first + skip} is missing before entry ${run.first}` }
      const refusal = this.#refusalOf(run.author, newAuthors)
      if (refusal !== undefined) return refusal
      const plan = this.#rows.plan(run.author, tip?.planned, run.entries.slice(skip))
      const { head } = plan
      if (head !== undefined && plan.entries.length > 0) {
        await this.#write(head, plan.entries.length, plan.writes, 0, () => headWrite(head))
      }
      return plan.fault === undefined ? undefined : { reason: plan.fault }
    })
  }

  /** The same for consecutive runs of a signed author: stored is what a signature vouches for, and nothing else. */
  async addSigned(author: AuthorId, runs: readonly SignedRun[], newAuthors?: Allowance): Promise<Refusal | undefined> {
    const key = keyOf(author)
    if (key === undefined) return { reason: 'the author is not a signed one' }
    return this.#whenWritable(author, async () => {
      const isOwn = author === this.id
      const tip = this.#tips.get(author)
      const end = runs.at(-1)
      const isNews = end !== undefined && end.first + end.entries.length - 1 > (tip?.planned.seq ?? 0)
      if (isOwn && isNews && this.#restoring === undefined)
        return { reason: 'it is the own log, and only its owner extends it' }
      const plan = planSigned({ room: this.#room, key }, tip?.planned as SignedHead | undefined, runs)
      const { head } = plan
      if (plan.fork !== undefined) this.emit('fork', author)
      if (head !== undefined && plan.entries.length > 0) {
        const refusal = this.#refusalOf(author, newAuthors)
        if (refusal !== undefined) return refusal
        await this.#write(head, plan.entries.length, plan.writes, plan.writes.length, () => signedHeadWrite(head))
        if (isOwn) this.#restored()
      }
      return plan.fault === undefined ? undefined : { reason: plan.fault }
    })
  }

  /**
   * A peer says how much it holds of the own log. Where that is more than was ever told to anybody, this disk has lost
   * some of it: nothing is appended until it is back, or 5 s have passed. PROTOCOL.md §4.5.
   */
  ownClaimed(seq: Seq): void {
    if (seq <= Math.max(this.#own.head?.seq ?? 0, this.#restoring?.to ?? 0)) return
    this.#restoring?.finish()
    let finish = (): void => {}
    const done = new Promise<void>(resolve => {
      const cancel = this.#clock.after(RESTORE_MS_MAX, () => {
        this.emit('warning', 'a peer holds more of your log than this disk, but did not send it')
        finish()
      })
      finish = () => {
        cancel()
        this.#restoring = undefined
        resolve()
      }
    })
    this.#restoring = { to: seq, done, finish: () => finish() }
    this.emit(
      'warning',
      `a peer holds more of your own log than this disk: entries up to ${seq} are fetched back first`,
    )
  }

  /** Notes that peers are told of all own entries from now on. Rejects as `append` does. */
  async offer(): Promise<void> {
    if (this.#restoring !== undefined) await this.#restoring.done
    await this.#own.offer()
  }

  /** Resolves when nothing stands against writing, or the log is closed. */
  async writable(): Promise<void> {
    if (this.#queue.isReadOnly && !this.#isClosed) await new Promise<void>(resolve => this.#onceWritable.push(resolve))
  }

  /** Batches of entries: the history in order of conversation, then, where `live`, what arrives. Each entry once. */
  async *read(options: ReadOptions = {}): AsyncGenerator<readonly Entry[]> {
    const feed = options.live || options.tail ? this.#openFeed(options.signal) : undefined
    try {
      const since = new Map(options.since?.map(({ author, seq }) => [author, seq]))
      const stretches = options.tail ? [] : this.#stretches(since)
      if (options.last !== undefined) yield* this.#lastOf(stretches, options.last)
      else yield* merge(stretches, span => this.#readLog(span))
      while (feed !== undefined && !feed.isClosed) {
        const span = feed.take()
        if (span === undefined) {
          await feed.wait()
          continue
        }
        const from = Math.max(span.from, (since.get(span.author) ?? 0) + 1)
        if (from < span.to) yield* this.#readLog({ ...span, from })
      }
    } catch (error) {
      if (!this.#isClosed) throw error
    } finally {
      if (feed !== undefined) this.#closeFeed(feed)
    }
  }

  /** What a peer of ours lacks: segments as they are stored, and entries of unsigned authors; then, where `live`, what arrives. */
  async *relay(options: Pick<ReadOptions, 'since' | 'live' | 'signal'>): AsyncGenerator<Relayed> {
    const feed = options.live ? this.#openFeed(options.signal) : undefined
    try {
      const since = new Map(options.since?.map(({ author, seq }) => [author, seq]))
      const stretches = this.#stretches(since).sort((a, b) => (a.first < b.first ? -1 : 1))
      for (const stretch of stretches) yield* this.#relayed(stretch)
      while (feed !== undefined && !feed.isClosed) {
        const span = feed.take()
        if (span === undefined) await feed.wait()
        else yield* this.#relayed({ ...span, from: Math.max(span.from, (since.get(span.author) ?? 0) + 1) })
      }
    } catch (error) {
      if (!this.#isClosed) throw error
    } finally {
      if (feed !== undefined) this.#closeFeed(feed)
    }
  }

  /** The same as a stream of entries, in scuttleup's words. */
  createReadStream(options: ReadOptions = {}): Readable {
    return entryStream(this, options)
  }

  /** One side of a replication: pipe a connection through it. An error of it is about that connection alone. */
  createReplicationStream(options: ReplicationOptions = {}): Duplex {
    return replicationStream(this, options)
  }

  /** An allowance of new authors for one link. */
  newAuthorAllowance(perHourMax: number): Allowance {
    return new Allowance(this.#clock, perHourMax)
  }

  /** Looks at everything that is stored of a log. */
  async verify(author: AuthorId): Promise<{ readonly last: Seq; readonly fault: string | undefined }> {
    return isSigned(author)
      ? this.#segments.verify(author)
      : this.#rows.verify(author, this.#tips.get(author)?.durable ?? 0)
  }

  /** Ends all readers, waits for what is being written, and closes the database. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#restoring?.finish()
    for (const feed of this.#feeds) feed.close()
    for (const wake of this.#onceWritable.splice(0)) wake()
    await this.#queue.close()
    await this.#store.close()
  }

  async #load(): Promise<void> {
    for (const head of [...(await this.#rows.load()).values(), ...(await this.#segments.load()).values()]) {
      this.#tips.set(head.author, { planned: head, durable: head.seq, loose: { count: 0, from: 1 } })
    }
    const own = this.#tips.get(this.id)?.planned as SignedHead | undefined
    const offered = storedOffer(await this.#store.get(OFFERED_KEY))
    this.#own.reset(own, offered)
  }

  /** After a reopen: what the disk holds is what is true. */
  async #recover(): Promise<void> {
    const before = new Map([...this.#tips].map(([author, tip]) => [author, tip.durable]))
    this.#tips.clear()
    await this.#load()
    for (const [author, durable] of before) {
      const now = this.#tips.get(author)?.durable ?? 0
      if (now < durable) this.emit('warning', `entries ${now + 1} to ${durable} of ${author} are gone from this disk`)
    }
    for (const [author, { durable }] of this.#tips) {
      const from = (before.get(author) ?? 0) + 1
      if (from > durable) continue
      this.#announce({ author, from, to: durable + 1 })
      if (author !== this.id) continue
      for await (const entries of this.#readLog({ author, from, to: durable + 1 })) {
        for (const entry of entries) this.emit('recovered', entry)
      }
    }
  }

  async #whenWritable(author: AuthorId, attempt: () => Promise<Refusal | undefined>): Promise<Refusal | undefined> {
    for (;;) {
      if (this.#isClosed) return undefined
      if (this.#queue.isReadOnly) {
        await this.writable()
        continue
      }
      const relearning = this.#relearning.get(author)
      if (relearning !== undefined) {
        await relearning
        continue
      }
      try {
        return await attempt()
      } catch (error) {
        if (!(error instanceof ChatError)) throw error
        if (error.code === 'LOG_CLOSED') return undefined
        // The disk failed: once it is back, what is still missing is offered again.
      }
    }
  }

  #refusalOf(author: AuthorId, newAuthors: Allowance | undefined): Refusal | undefined {
    if (this.#tips.has(author) || author === this.id) return undefined
    if (this.#tips.size >= this.#authorsMax)
      return { reason: `${this.#authorsMax} authors are held, and no more are taken` }
    if (newAuthors?.take() === false) return { reason: 'too many new authors in an hour from one link' }
    return undefined
  }

  /** Stores planned entries that end at `head`; resolves when they are on disk and announced. */
  async #write(
    head: Head | SignedHead,
    count: number,
    writes: readonly Write[],
    segments: number,
    summary: () => Write,
  ): Promise<void> {
    const { author, seq } = head
    const tip = this.#tipOf(head)
    tip.planned = head
    try {
      await this.#queue.write(writes, { name: author, write: summary })
    } catch (error) {
      if (tip.durable === 0 && this.#tips.get(author) === tip) this.#tips.delete(author)
      throw error
    }
    this.#stored(author, seq + 1 - count, seq + 1, segments)
  }

  #tipOf(head: Head): Tip {
    const tip = this.#tips.get(head.author) ?? { planned: head, durable: 0, loose: { count: 0, from: 1 } }
    this.#tips.set(head.author, tip)
    return tip
  }

  #stored(author: AuthorId, from: Seq, to: Seq, segments: number): void {
    const tip = this.#tips.get(author)
    if (tip === undefined) return
    tip.durable = to - 1
    this.#announce({ author, from, to })
    if (segments === 0) return
    tip.loose.count += segments
    if (tip.loose.count >= MERGE_SEGMENTS) void this.#joinSmall(author, tip)
  }

  /** Joins the small segments that came one by one. It changes no entry, and no reader sees it. */
  async #joinSmall(author: AuthorId, tip: Tip): Promise<void> {
    const { from } = tip.loose
    const to = tip.durable + 1
    tip.loose = { count: 0, from: to }
    try {
      const writes = await this.#segments.merged(author, from, to)
      if (writes.length > 0 && !this.#isClosed) await this.#queue.write(writes)
    } catch {
      // Not joined: it stays as it is stored, which is as good.
    }
  }

  #restored(): void {
    const head = this.#tips.get(this.id)?.planned as SignedHead | undefined
    this.#own.reset(head, Math.max(this.#own.offered, head?.seq ?? 0))
    if (this.#restoring === undefined || (head?.seq ?? 0) < this.#restoring.to) return
    this.emit('warning', `your own log is back: it goes up to entry ${head?.seq}`)
    this.#restoring.finish()
  }

  #announce(span: Span): void {
    for (const feed of this.#feeds) feed.push(span)
    this.emit('entries', span)
  }

  #openFeed(signal: AbortSignal | undefined): Feed {
    const feed = new Feed()
    if (this.#isClosed || signal?.aborted) feed.close()
    signal?.addEventListener('abort', () => feed.close(), { once: true })
    this.#feeds.add(feed)
    return feed
  }

  #closeFeed(feed: Feed): void {
    feed.close()
    this.#feeds.delete(feed)
  }

  #stretches(since: ReadonlyMap<AuthorId, Seq>): Stretch[] {
    const stretches: Stretch[] = []
    for (const [author, { planned, durable }] of this.#tips) {
      const from = (since.get(author) ?? 0) + 1
      if (from <= durable) stretches.push({ author, from, to: durable + 1, first: planned.first, last: planned.last })
    }
    return stretches
  }

  #readLog({ author, from, to }: Span): AsyncGenerator<readonly Entry[]> {
    return isSigned(author) ? this.#segments.read(author, from, to) : this.#rows.read(author, from, to)
  }

  #readLogBack({ author, from, to }: Span): AsyncGenerator<readonly Entry[]> {
    return isSigned(author) ? this.#segments.readBack(author, from, to) : this.#rows.readBack(author, from, to)
  }

  async *#relayed({ author, from, to }: Span): AsyncGenerator<Relayed> {
    if (from >= to) return
    if (!isSigned(author)) {
      for await (const entries of this.#rows.read(author, from, to)) yield { kind: 'entries', entries }
      return
    }
    for await (const { segments, last } of this.#segments.raw(author, from, to, FRAME_BYTES_MAX / 2)) {
      yield { kind: 'segments', author, segments, last }
    }
  }

  async *#lastOf(stretches: readonly Stretch[], count: number): AsyncGenerator<readonly Entry[]> {
    const from = await lastEntries(stretches, span => this.#readLogBack(span), count)
    const kept = stretches.flatMap(stretch => {
      const seq = from.get(stretch.author)
      return seq === undefined ? [] : [{ ...stretch, from: seq }]
    })
    yield* merge(kept, span => this.#readLog(span))
  }

  /** Something is missing or damaged that should be there: the log ends before it until it is fetched again. */
  #lose(author: AuthorId, missing: Seq): void {
    const tip = this.#tips.get(author)
    if (this.#isClosed || tip === undefined || missing > tip.durable || this.#relearning.has(author)) return
    this.emit(
      'warning',
      `entry ${missing} of ${author} is missing or damaged on this disk: it is fetched again from peers`,
    )
    tip.durable = missing - 1
    if (!isSigned(author)) {
      tip.planned = { ...tip.planned, seq: missing - 1 }
      return
    }
    const relearning = this.#relearn(author, missing).finally(() => this.#relearning.delete(author))
    this.#relearning.set(author, relearning)
  }

  async #relearn(author: AuthorId, missing: Seq): Promise<void> {
    const head = await this.#segments.headBefore(author, missing)
    if (author === this.id) {
      // Its places were given out: they are never given again, so what was there is asked back first.
      this.ownClaimed(Math.max(this.#own.offered, this.#own.head?.seq ?? 0) + 1)
      this.#own.reset(head, this.#own.offered)
    }
    if (head === undefined) this.#tips.delete(author)
    else this.#tips.set(author, { planned: head, durable: head.seq, loose: { count: 0, from: head.seq + 1 } })
  }
}
