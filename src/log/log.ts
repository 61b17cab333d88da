import { EventEmitter } from 'node:events'
import type { Duplex, Readable } from 'node:stream'
import { textOf, utf8 } from '../base/bytes.js'
import { type Clock, systemClock } from '../base/clock.js'
import { ChatError, reasonOf } from '../base/errors.js'
import { AUTHORS_MAX } from '../base/limits.js'
import { type Random, systemRandom } from '../base/random.js'
import { Allowance } from './allowance.js'
import { HybridClock } from './at.js'
import { type AuthorId, freshUnsignedAuthor, type Seq, unsignedAuthor } from './author.js'
import { CommitQueue } from './commit-queue.js'
import { type Entry, encodeEntry, type Members } from './entry.js'
import { Feed, type Span } from './feed.js'
import type { Digest, Head } from './head.js'
import { lastEntries, merge, type Stretch } from './history.js'
import { LevelStore } from './level-store.js'
import type { ReadOptions, Refusal, ReplicationOptions } from './options.js'
import { OWN_ID_KEY } from './row-keys.js'
import { headWrite, RowLogs } from './row-logs.js'
import type { Run } from './session.js'
import type { Store } from './store.js'
import { entryStream, replicationStream } from './streams.js'

export interface LogOptions {
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
}

/** A head that knows what is on its way to the disk: `durable ≤ planned.seq`. */
interface Tip {
  planned: Head
  durable: Seq
}

/** The append-only logs of one conversation, on one disk: one's own, and those of everyone heard of. */
export class Log extends EventEmitter<LogEvents> {
  readonly #store: Store
  readonly #clock: Clock
  readonly #authorsMax: number
  readonly #hybrid: HybridClock
  readonly #rows: RowLogs
  readonly #queue: CommitQueue
  readonly #tips = new Map<AuthorId, Tip>()
  readonly #feeds = new Set<Feed>()
  readonly #onceWritable: (() => void)[] = []
  #id: AuthorId | undefined
  #isClosed = false

  private constructor(store: Store, options: LogOptions) {
    super()
    this.setMaxListeners(0)
    this.#store = store
    this.#clock = options.clock ?? systemClock
    this.#authorsMax = options.authorsMax ?? AUTHORS_MAX
    this.#hybrid = new HybridClock(this.#clock)
    this.#rows = new RowLogs(store, this.#hybrid, (author, seq) => this.#lose(author, seq))
    this.#queue = new CommitQueue(store, this.#clock, {
      onFailure: cause => this.emit('read-only', reasonOf(cause)),
      recover: () => this.#recover(),
      onRecovered: () => {
        this.emit('writable')
        for (const wake of this.#onceWritable.splice(0)) wake()
      },
    })
  }

  /** Opens the logs in `directory`, making it where it is not. Rejects with DATA_UNUSABLE, LOG_LOCKED or LOG_CORRUPT. */
  static async open(directory: string, options: LogOptions = {}): Promise<Log> {
    return Log.over(await LevelStore.open(directory), options)
  }

  /** The logs in `store`, which is then theirs to close. */
  static async over(store: Store, options: LogOptions = {}): Promise<Log> {
    const log = new Log(store, options)
    try {
      await log.#load(options.random ?? systemRandom)
      return log
    } catch (cause) {
      await store.close()
      throw cause instanceof ChatError
        ? cause
        : new ChatError('DATA_UNUSABLE', `the logs cannot be read: ${reasonOf(cause)}`, { cause })
    }
  }

  /** The author whose log `append` extends. */
  get id(): AuthorId {
    if (this.#id === undefined) throw new Error('a log is used before it is loaded')
    return this.#id
  }

  /** How far each log goes on this disk. */
  get head(): Digest[] {
    const digests: Digest[] = []
    for (const [author, tip] of this.#tips) if (tip.durable > 0) digests.push({ author, seq: tip.durable })
    return digests
  }

  get isReadOnly(): boolean {
    return this.#queue.isReadOnly
  }

  /**
   * Appends an entry to the own log; resolves when it is on disk. Nobody is sent or shown it before.
   * Rejects with BAD_MESSAGE, LOG_WRITE_FAILED, LOG_READ_ONLY or LOG_CLOSED.
   */
  async append(members: Members): Promise<Entry> {
    if (this.#queue.isReadOnly) await this.#queue.write([]) // rejects with the reason
    const at = this.#hybrid.next(this.#tips.get(this.id)?.planned.last)
    const bytes = encodeEntry(at, this.#clock.now(), members)
    const { entries, done } = this.#write(this.id, [bytes])
    await done
    const [entry] = entries
    if (entry === undefined) throw new Error('an entry of our own making is not valid')
    return entry
  }

  /** What stands at (author, seq), if this disk holds it. */
  async entry(author: AuthorId, seq: Seq): Promise<Entry | undefined> {
    if (seq < 1 || seq > (this.#tips.get(author)?.durable ?? 0)) return undefined
    for await (const [entry] of this.#rows.read(author, seq, seq + 1)) return entry
    return undefined
  }

  /**
   * Takes in what a peer sent: only what continues the log at its head. Resolves when that is on disk; what is held
   * already is passed over. While the disk does not answer it waits, so that no peer's entries are lost.
   */
  async add(run: Run, newAuthors?: Allowance): Promise<Refusal | undefined> {
    for (;;) {
      if (this.#isClosed) return undefined
      if (this.#queue.isReadOnly) {
        await this.writable()
        continue
      }
      const refusal = this.#refusalOf(run, newAuthors)
      if (refusal !== undefined) return refusal
      const skip = (this.#tips.get(run.author)?.planned.seq ?? 0) + 1 - run.first
      const fresh = run.entries.slice(skip)
      if (fresh.length === 0) return undefined
      const { fault, done } = this.#write(run.author, fresh)
      try {
        await done
        return fault === undefined ? undefined : { reason: fault }
      } catch (error) {
        if (error instanceof ChatError && error.code === 'LOG_CLOSED') return undefined
        // The disk failed: once it is back, what is still missing is offered again.
      }
    }
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
      else yield* merge(stretches, ({ author, from, to }) => this.#rows.read(author, from, to))
      while (feed !== undefined && !feed.isClosed) {
        const span = feed.take()
        if (span === undefined) {
          await feed.wait()
          continue
        }
        const from = Math.max(span.from, (since.get(span.author) ?? 0) + 1)
        if (from < span.to) yield* this.#rows.read(span.author, from, span.to)
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

  /** Ends all readers, waits for what is being written, and closes the database. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const feed of this.#feeds) feed.close()
    for (const wake of this.#onceWritable.splice(0)) wake()
    await this.#queue.close()
    await this.#store.close()
  }

  async #load(random: Random): Promise<void> {
    const saved = await this.#store.get(OWN_ID_KEY)
    this.#id = saved === undefined ? undefined : unsignedAuthor(textOf(saved) ?? '')
    if (this.#id === undefined) {
      this.#id = freshUnsignedAuthor(random)
      await this.#store.commit([{ type: 'put', key: OWN_ID_KEY, value: utf8(this.#id) }])
    }
    for (const [author, head] of await this.#rows.load()) this.#tips.set(author, { planned: head, durable: head.seq })
  }

  /** After a reopen: what the disk holds is what is true. */
  async #recover(): Promise<void> {
    const heads = await this.#rows.load()
    for (const [author, head] of heads) {
      const before = this.#tips.get(author)?.durable ?? 0
      this.#tips.set(author, { planned: head, durable: head.seq })
      if (head.seq < before)
        this.emit('warning', `entries ${head.seq + 1} to ${before} of ${author} are gone from this disk`)
      if (head.seq <= before) continue
      this.#announce({ author, from: before + 1, to: head.seq + 1 })
      if (author !== this.id) continue
      for await (const entries of this.#rows.read(author, before + 1, head.seq + 1)) {
        for (const entry of entries) this.emit('recovered', entry)
      }
    }
    for (const author of this.#tips.keys()) if (!heads.has(author)) this.#tips.delete(author)
  }

  #refusalOf(run: Run, newAuthors: Allowance | undefined): Refusal | undefined {
    const tip = this.#tips.get(run.author)
    const planned = tip?.planned.seq ?? 0
    const lastSeq = run.first + run.entries.length - 1
    if (lastSeq <= planned) return undefined
    if (run.author === this.id) return { reason: 'it is the own log, and only its owner extends it' }
    if (run.first > planned + 1) return { reason: `entry ${planned + 1} is missing before entry ${run.first}` }
    if (tip !== undefined) return undefined
    if (this.#tips.size >= this.#authorsMax)
      return { reason: `${this.#authorsMax} authors are held, and no more are taken` }
    if (newAuthors?.take() === false) return { reason: 'too many new authors in an hour from one link' }
    return undefined
  }

  /** Plans entries behind what is planned already; `done` when they are on disk and announced. */
  #write(
    author: AuthorId,
    bytes: readonly Uint8Array[],
  ): { entries: readonly Entry[]; fault: string | undefined; done: Promise<void> } {
    const tip = this.#tips.get(author)
    const { entries, writes, head, fault } = this.#rows.plan(author, tip?.planned, bytes)
    if (head === undefined || entries.length === 0) return { entries, fault, done: Promise.resolve() }
    const planned = tip ?? { planned: head, durable: 0 }
    planned.planned = head
    this.#tips.set(author, planned)
    const from = head.seq + 1 - entries.length
    const done = this.#queue.write(writes, { name: author, write: () => headWrite(head) }).then(
      () => {
        planned.durable = head.seq
        this.#announce({ author, from, to: head.seq + 1 })
      },
      error => {
        if (planned.durable === 0 && this.#tips.get(author) === planned) this.#tips.delete(author)
        throw error
      },
    )
    return { entries, fault, done }
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

  async *#lastOf(stretches: readonly Stretch[], count: number): AsyncGenerator<readonly Entry[]> {
    const from = await lastEntries(stretches, ({ author, from, to }) => this.#rows.readBack(author, from, to), count)
    const kept = stretches.flatMap(stretch => {
      const seq = from.get(stretch.author)
      return seq === undefined ? [] : [{ ...stretch, from: seq }]
    })
    yield* merge(kept, span => this.#rows.read(span.author, span.from, span.to))
  }

  /** A row is missing that should be there: another peer's log ends before it until it is fetched again. */
  #lose(author: AuthorId, missing: Seq): void {
    const tip = this.#tips.get(author)
    if (this.#isClosed || tip === undefined || missing > tip.durable) return
    this.emit('warning', `entry ${missing} of ${author} is missing on this disk`)
    if (author === this.id) return // its places were given out: they are never given again
    tip.planned = { ...tip.planned, seq: missing - 1 }
    tip.durable = missing - 1
  }
}
