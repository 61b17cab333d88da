import { EventEmitter } from 'node:events'
import path from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import { EMPTY, sameBytes } from '../base/bytes.js'
import { type Clock, systemClock } from '../base/clock.js'
import { ChatError, reasonOf } from '../base/errors.js'
import { AUTHORS_MAX, FRAME_BYTES_MAX, MERGE_SEGMENTS } from '../base/limits.js'
import { type Random, systemRandom } from '../base/random.js'
import type { KeyPair } from '../base/signing.js'
import { Allowance } from './allowance.js'
import { HybridClock } from './at.js'
import { type AuthorId, authorOfKey, isSigned, keyOf, type Seq } from './author.js'
import { CommitQueue } from './commit-queue.js'
import type { Run } from './effects.js'
import { type Entry, encodeEntry, type Members } from './entry.js'
import type { Span } from './feed.js'
import type { ForkProof } from './fork.js'
import { Forks } from './forks.js'
import { CHAIN_PREFIX_BYTES } from './frames.js'
import type { Digest, Head, SignedHead } from './head.js'
import { loadKey } from './identity.js'
import { LevelStore } from './level-store.js'
import type { ReadOptions, Refusal, ReplicationOptions } from './options.js'
import { OwnLog, storedOffer } from './own-log.js'
import { Reader } from './reader.js'
import type { Relayed } from './relay.js'
import { Restoration } from './restoration.js'
import { forgetRetracted, retract, retracted } from './retraction.js'
import { LOBBY, roomId } from './room.js'
import { headWrite, RowLogs } from './row-logs.js'
import type { Segment } from './segment.js'
import { SegmentLogs } from './segment-logs.js'
import { planBelow, planSigned, type SignedRun } from './segment-plan.js'
import { OFFERED_KEY, signedHeadWrite } from './segment-rows.js'
import type { Store, Write } from './store.js'
import { entryStream, replicationStream } from './streams.js'
import { type Tip, type Tips, tipAt } from './tip.js'

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
  /** Something that was held is not there any more: peers have to be told anew how far it goes. */
  lost: [AuthorId]
  /** It is proven that an author signed two histories. */
  fork: [ForkProof]
}

/** The append-only logs of one conversation, on one disk: one's own, and those of everyone heard of. */
export class Log extends EventEmitter<LogEvents> {
  readonly #store: Store
  readonly #keys: KeyPair
  readonly #clock: Clock
  readonly #room: Uint8Array
  readonly #authorsMax: number
  readonly #hybrid: HybridClock
  readonly #rows: RowLogs
  readonly #segments: SegmentLogs
  readonly #queue: CommitQueue
  readonly #forks: Forks
  readonly #own: OwnLog
  readonly #tips: Tips = new Map()
  /** Logs whose end is being looked for again; nothing is added to them meanwhile. */
  readonly #relearning = new Map<AuthorId, Promise<void>>()
  readonly #reader: Reader
  readonly #onceWritable: (() => void)[] = []
  readonly #restoration: Restoration
  /** Whether own lines that were taken back wait to be said again; at first it is not known. */
  #hasRetracted = true
  #isClosed = false

  private constructor(store: Store, keys: KeyPair, options: LogOptions) {
    super()
    this.#keys = keys
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
    this.#restoration = new Restoration(this.#clock, line => this.emit('warning', line))
    this.#forks = new Forks(store, this.#room, this.#segments)
    this.#reader = new Reader(this.#tips, this.#rows, this.#segments, this.#forks)
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
    return this.head.map(({ author, seq }) => {
      const place = this.#forks.proofOf(author)?.place ?? Number.POSITIVE_INFINITY
      const told = Math.min(seq, place - 1, author === this.id ? this.#own.offered : seq)
      const planned = this.#tips.get(author)?.planned
      const isWhole = planned !== undefined && 'chain' in planned && planned.seq === told
      return { author, seq: told, ...(isWhole && { chain: planned.chain.subarray(0, CHAIN_PREFIX_BYTES) }) }
    })
  }

  get isReadOnly(): boolean {
    return this.#queue.isReadOnly
  }

  /**
   * Appends an entry to the own log; resolves when it is on disk. Nobody is sent or shown it before.
   * Rejects with BAD_MESSAGE, LOG_WRITE_FAILED, LOG_READ_ONLY or LOG_CLOSED.
   */
  async append(members: Members): Promise<Entry> {
    // What is learnt again may have to be restored: neither alone lets the log go on.
    while (this.#relearning.has(this.id) || this.#restoration.isOn) {
      await this.#relearning.get(this.id)
      await this.#restoration.wait()
    }
    if (this.#queue.isReadOnly) await this.#queue.write([]) // rejects with the reason
    if (this.#forks.proofOf(this.id) !== undefined) {
      throw new ChatError('LOG_FROZEN', 'not stored: your log has two histories, and nobody takes more of it', {
        hint: 'Stop, run `persisted-chat renew` with your name, and start again.',
      })
    }
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
    for await (const [entry] of this.#reader.log({ author, from: seq, to: seq + 1 })) return entry
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
      if (isOwn && isNews && !this.#restoration.isOn)
        return { reason: 'it is the own log, and only its owner extends it' }
      const proof = this.#forks.proofOf(author)
      if (proof !== undefined) return this.#addBelow(proof, tip?.planned as SignedHead | undefined, runs)
      const isInDoubt = this.#forks.isSuspect(author) || (isOwn && this.#restoration.isOn)
      if (isInDoubt && !isNews) return this.#disputeAll(author, runs)
      const plan = planSigned({ room: this.#room, key }, tip?.planned as SignedHead | undefined, runs)
      const { head } = plan
      if (head !== undefined && plan.entries.length > 0) {
        const refusal = this.#refusalOf(author, newAuthors)
        if (refusal !== undefined) return refusal
        await this.#write(head, plan.entries.length, plan.writes, plan.writes.length, () => signedHeadWrite(head))
        if (isOwn) this.#restored()
      }
      if (plan.fork !== undefined) {
        const refusal = await this.#dispute(author, plan.fork, plan.fault ?? '')
        return refusal === 'again' ? this.addSigned(author, runs) : refusal
      }
      return plan.fault === undefined ? undefined : { reason: plan.fault }
    })
  }

  /** Takes in what a peer says proves a fork, if it does. */
  async addProof(segments: readonly [Segment, Segment]): Promise<void> {
    const proof = this.#forks.check(segments)
    const isKnown = proof !== undefined && this.#tips.has(authorOfKey(segments[0].key))
    if (proof !== undefined && (isKnown || this.#forks.proofs.length < this.#authorsMax)) await this.#freeze(proof)
  }

  /** The segment that holds an entry, for a peer that asks. */
  async segmentAt(author: AuthorId, seq: Seq): Promise<Segment | undefined> {
    return seq > (this.#tips.get(author)?.durable ?? 0) ? undefined : this.#segments.segmentAt(author, seq)
  }

  /** Heads that are as long as those held here, and not the same. */
  differing(heads: readonly Digest[]): Digest[] {
    return heads.filter(({ author, seq, chain }) => {
      const planned = this.#tips.get(author)?.planned
      if (planned === undefined || !('chain' in planned) || chain === undefined || planned.seq !== seq) return false
      if (this.#forks.proofOf(author) !== undefined) return false
      if (sameBytes(chain, planned.chain.subarray(0, CHAIN_PREFIX_BYTES))) return false
      this.#forks.suspect(author)
      return true
    })
  }

  /** Whether an entry stands at or above a place at which its author signed two histories. */
  isDisputed({ author, seq }: Digest): boolean {
    return seq >= (this.#forks.proofOf(author)?.place ?? Number.POSITIVE_INFINITY)
  }

  /**
   * A peer says how much it holds of the own log. Where that is more than was ever told to anybody, this disk has lost
   * some of it: nothing is appended until it is back, or 5 s have passed. PROTOCOL.md §4.5.
   */
  ownClaimed(seq: Seq): void {
    if (seq <= Math.max(this.#own.offered, this.#restoration.to) || this.#forks.proofOf(this.id) !== undefined) return
    this.#restoration.claimed(seq)
  }

  /** Notes that peers are told of all own entries from now on. Rejects as `append` does. */
  async offer(): Promise<void> {
    await this.#restoration.wait()
    await this.#sayRetracted()
    await this.#own.offer()
  }

  /** Resolves when nothing stands against writing, or the log is closed. */
  async writable(): Promise<void> {
    if (this.#queue.isReadOnly && !this.#isClosed) await new Promise<void>(resolve => this.#onceWritable.push(resolve))
  }

  /** Batches of entries: the history in order of conversation, then, where `live`, what arrives. Each entry once. */
  read(options: ReadOptions = {}): AsyncGenerator<readonly Entry[]> {
    return this.#reader.read(options)
  }

  /** What a peer of ours lacks, as it is stored; then, where `live`, what arrives. */
  relay(options: Pick<ReadOptions, 'since' | 'live' | 'signal'>): AsyncGenerator<Relayed> {
    return this.#reader.relay(options)
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
      ? this.#segments.verify(author, this.#forks.proofOf(author))
      : this.#rows.verify(author, this.#tips.get(author)?.durable ?? 0)
  }

  /** Looks for what this disk has lost without an error. What is missing is reported, and fetched again. */
  async inspect(): Promise<void> {
    for (const { author, seq } of this.head) {
      if (this.#isClosed) return
      if (isSigned(author)) for await (const _ of this.#segments.raw(author, 1, seq + 1, FRAME_BYTES_MAX));
      else await this.#rows.inspect(author, seq)
    }
  }

  /** Ends all readers, waits for what is being written, and closes the database. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#restoration.finish()
    this.#reader.close()
    for (const wake of this.#onceWritable.splice(0)) wake()
    await this.#queue.close()
    await this.#store.close()
  }

  async #load(): Promise<void> {
    await this.#forks.load()
    for (const head of [...(await this.#rows.load()).values(), ...(await this.#segments.load()).values()]) {
      this.#tips.set(head.author, tipAt(head))
    }
    const own = this.#tips.get(this.id)?.planned as SignedHead | undefined
    const offered = storedOffer(await this.#store.get(OFFERED_KEY))
    this.#own.reset(own, offered)
    if ((own?.seq ?? 0) < offered) this.#restoration.lost((own?.seq ?? 0) + 1, offered)
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
      for await (const entries of this.#reader.log({ author, from, to: durable + 1 })) {
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
    const tip = this.#tips.get(head.author) ?? { planned: head, durable: 0, announced: 0, loose: { count: 0, from: 1 } }
    this.#tips.set(head.author, tip)
    return tip
  }

  #stored(author: AuthorId, from: Seq, to: Seq, segments: number): void {
    const tip = this.#tips.get(author)
    if (tip === undefined) return
    tip.durable = to - 1
    const news = Math.max(from, tip.announced + 1)
    tip.announced = Math.max(tip.announced, to - 1)
    if (news < to) this.#announce({ author, from: news, to })
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

  /** Takes back own lines that nobody was told of; false where there are none. They are said again by `offer`. */
  async #retract(): Promise<boolean> {
    const own = this.#own.head
    const { offered } = this.#own
    if (own === undefined || own.seq <= offered) return false
    const { writes, head } = await retract(this.#segments, this.#keys, this.#room, own, offered)
    await this.#queue.write(writes)
    this.#own.reset(head, offered)
    if (head === undefined) this.#tips.delete(this.id)
    else this.#tips.set(this.id, tipAt(head))
    this.#hasRetracted = true
    return true
  }

  async #sayRetracted(): Promise<void> {
    if (!this.#hasRetracted) return
    this.#hasRetracted = false
    const lines = await retracted(this.#store)
    await Promise.all(lines.map(members => this.append(members)))
    if (lines.length > 0) await this.#queue.write([forgetRetracted])
  }

  #restored(): void {
    const head = this.#tips.get(this.id)?.planned as SignedHead | undefined
    this.#own.reset(head, Math.max(this.#own.offered, head?.seq ?? 0))
    this.#restoration.reached(head?.seq ?? 0)
  }

  #announce(span: Span): void {
    this.#reader.announce(span)
    this.emit('entries', span)
  }

  /** Takes in what a log lacks below a proven fork: where no signature ends it, the proof vouches. */
  async #addBelow(
    proof: ForkProof,
    head: SignedHead | undefined,
    runs: readonly SignedRun[],
  ): Promise<Refusal | undefined> {
    const { key } = proof.segments[0]
    const { writes, entries, head: next } = planBelow({ room: this.#room, key }, head, runs, proof)
    if (next !== undefined && entries.length > 0)
      await this.#write(next, entries.length, writes, 0, () => signedHeadWrite(next))
    const end = runs.at(-1)
    if (end === undefined || end.first + end.entries.length - 1 < proof.place) return undefined
    return { reason: `its author signed two histories from entry ${proof.place} on` }
  }

  async #disputeAll(author: AuthorId, runs: readonly SignedRun[]): Promise<Refusal | undefined> {
    const key = keyOf(author) ?? EMPTY
    for (const { before, ...run } of runs) {
      if (before === undefined) continue
      const refusal = await this.#dispute(author, { key, before, ...run }, 'it contradicts what is held')
      if (refusal === 'again') return this.addSigned(author, runs)
      if (refusal.want !== undefined || this.#forks.proofOf(author) !== undefined) return refusal
    }
    return undefined
  }

  /** Looks for the place where two histories part; freezes the log there once it is proven. */
  async #dispute(author: AuthorId, theirs: Segment, reason: string): Promise<Refusal | 'again'> {
    const dispute = await this.#forks.dispute(author, theirs, this.#tips.get(author)?.durable ?? 0)
    const isFork = dispute.kind === 'proven' && (author !== this.id || dispute.proof.place <= this.#own.offered)
    // What nobody was told of can still be taken back: that is no fork.
    if (author === this.id && dispute.kind !== 'unproven' && !isFork && (await this.#retract())) return 'again'
    if (dispute.kind === 'want') return { reason, want: dispute.seq }
    if (dispute.kind === 'proven') await this.#freeze(dispute.proof)
    return { reason }
  }

  async #freeze(proof: ForkProof): Promise<void> {
    await this.#queue.write([this.#forks.keep(proof)])
    this.#reader.prove(proof)
    if (authorOfKey(proof.segments[0].key) === this.id) this.#restoration.finish()
    this.emit('fork', proof)
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
      this.emit('lost', author)
      return
    }
    const relearning = this.#relearn(author, missing).finally(() => this.#relearning.delete(author))
    this.#relearning.set(author, relearning)
  }

  async #relearn(author: AuthorId, missing: Seq): Promise<void> {
    const head = await this.#segments.headBefore(author, missing)
    if (author === this.id) {
      // Its places were given out: they are never given again.
      const to = this.#own.head?.seq ?? 0
      this.#own.reset(head, to)
      this.#restoration.lost((head?.seq ?? 0) + 1, to)
    }
    const announced = this.#tips.get(author)?.announced ?? 0
    if (head === undefined) this.#tips.delete(author)
    else this.#tips.set(author, tipAt(head, announced))
    this.emit('lost', author)
  }
}
