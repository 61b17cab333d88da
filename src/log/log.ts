import { EventEmitter } from 'node:events'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { type Clock, systemClock } from '../base/clock.js'
import { loadKey } from '../base/crypto/key-file.js'
import type { KeyPair } from '../base/crypto/signing.js'
import { ChatError, reasonOf } from '../base/errors.js'
import type { HourlyQuota } from '../base/hourly-quota.js'
import { systemRandom } from '../base/random.js'
import { sameBytes } from '../base/wire/bytes.js'
import { ForkRegistry } from './forks/fork-registry.js'
import { type AuthorId, authorOfKey, isSigned, type Seq } from './format/author.js'
import { chainAfter } from './format/chain.js'
import { type Entry, entryText, type Members } from './format/entry.js'
import { CHAIN_PREFIX_BYTES, type Digest } from './format/heads.js'
import { HybridClock } from './format/hybrid-clock.js'
import { LOBBY, roomId } from './format/room-id.js'
import type { Segment } from './format/segment.js'
import type { SignedRun } from './format/segment-plan.js'
import type { UnsignedRun } from './format/unsigned-entry.js'
import { Frontier } from './frontier.js'
import { Intake } from './intake.js'
import { LOG_BYTES_MAX } from './limits.js'
import type { Doubt } from './mark/doubt.js'
import type { FoundMark } from './mark/own-mark.js'
import type { LogEvents, LogMark, LogOptions, ReadOptions, Refusal, RelayOptions } from './options.js'
import { OwnLog } from './own/own-log.js'
import { EntryStream } from './read/entry-stream.js'
import type { Relayed } from './read/outgoing.js'
import { Reader } from './read/reader.js'
import type { SeqRange, Subscription } from './read/subscription.js'
import { Recovery } from './repair/disk-recovery.js'
import { Restoration } from './repair/restoration.js'
import { CommitQueue } from './store/commit-queue.js'
import { type Claim, HeadIndex } from './store/head-index.js'
import { LevelStore } from './store/level-store.js'
import { SegmentStore } from './store/segment-store.js'
import { verifySegments } from './store/segment-verification.js'
import type { Store } from './store/store.js'
import type { UnsignedStore } from './store/unsigned-store.js'

/** What was found of one log. */
export interface Verified {
  readonly author: AuthorId
  /** Up to here the log is whole. */
  readonly last: Seq
  readonly fault: string | undefined
  /** From here on its author has signed two histories. */
  readonly forkedAt: Seq | undefined
}

/** The append-only logs of one conversation, on one disk: one's own, and those of everyone heard of. */
export class Log extends EventEmitter<LogEvents> {
  readonly clock: Clock
  readonly #store: Store
  readonly #room: Uint8Array
  readonly #hybrid: HybridClock
  readonly #rows: UnsignedStore
  readonly #segments: SegmentStore
  readonly #heads: HeadIndex
  readonly #queue: CommitQueue
  readonly #forks: ForkRegistry
  readonly #own: OwnLog
  /** The last own entry that those who relay were told of. */
  #relayed: Seq = 0
  readonly #ledger: Frontier
  readonly #reader: Reader
  readonly #recovery: Recovery
  readonly #restoration: Restoration
  readonly #intake: Intake
  readonly #mark: LogMark | undefined
  /** Whether the user was told that own entries come from elsewhere. */
  #hasWarnedOfDevice = false
  #isClosed = false

  private constructor(store: Store, keys: KeyPair, options: LogOptions) {
    super()
    this.setMaxListeners(0)
    this.#store = store
    this.clock = options.clock ?? systemClock
    this.#room = options.room ?? roomId(LOBBY)
    this.#hybrid = new HybridClock(this.clock)
    const onHole = (author: AuthorId, missing: Seq): void => this.#recovery.lose(author, missing)
    this.#rows = options.unsigned(store, this.#hybrid, onHole)
    this.#segments = new SegmentStore(store, onHole)
    const heads = new HeadIndex(store, this.#room, this.#hybrid)
    this.#heads = heads
    this.#queue = new CommitQueue(store, this.clock, {
      onFailure: cause => this.emit('read-only', reasonOf(cause)),
      recover: () => this.#recovery.recover(),
      onRecovered: () => {
        this.emit('writable')
        this.#recovery.wake()
      },
    })
    this.#ledger = new Frontier(this.#queue, this.#segments, options.authorsMax, (span, news) =>
      this.#announce(span, news),
    )
    this.#own = new OwnLog(
      keys,
      this.#room,
      this.#queue,
      {
        onSealed: head => void this.#ledger.plan(head),
        onStored: (author, from, to, rows, chain) => {
          this.#segments.cache(author, rows)
          this.#ledger.stored(author, from, to, rows.length, chain)
        },
        // No news to those who read here, but to peers.
        onOffered: ({ author, from, to }) => {
          this.#reader.relayOn(this.#tellable({ author, from, to: Math.min(to, this.#ledger.durable(author) + 1) }))
        },
      },
      options.mark,
    )
    this.#forks = new ForkRegistry(store, this.#room, this.#segments)
    this.#reader = new Reader(this.#ledger.tips, this.#rows, this.#segments, this.#forks, this.#own.author)
    const parts = {
      store,
      rows: this.#rows,
      heads,
      queue: this.#queue,
      segments: this.#segments,
      ledger: this.#ledger,
      own: this.#own,
      forks: this.#forks,
    }
    const onWarning = (line: string): void => {
      if (!this.emit('warning', line)) options.onWarning?.(line)
    }
    this.#restoration = new Restoration({
      ...parts,
      clock: this.clock,
      onWarning,
      onTakenBack: (from, lines) => {
        this.#reader.takenBack(from, lines)
        this.emit('taken-back', from)
      },
    })
    this.#intake = new Intake({
      ...parts,
      room: this.#room,
      isOpen: sameBytes(this.#room, roomId(LOBBY)),
      logBytesMax: options.logBytesMax ?? LOG_BYTES_MAX,
      restoration: this.#restoration,
      onOwnEntries: seq => {
        this.ownClaimed(seq)
        if (this.#hasWarnedOfDevice) return
        this.#hasWarnedOfDevice = true
        onWarning(
          'peers have entries that were signed with your key and are not on this disk: another device uses your key, or a backup was restored. If it is another device, run `persisted-chat renew` on one of the two',
        )
      },
      onFork: proof => {
        this.#reader.prove(proof)
        this.emit('fork', proof)
      },
    })
    this.#mark = options.mark
    this.#recovery = new Recovery({
      ...parts,
      restoration: this.#restoration,
      mark: options.mark,
      onWarning,
      onLost: author => this.emit('lost', author),
      onFound: span => this.#announce(span),
      onRecovered: entry => this.emit('recovered', entry),
    })
  }

  /** Opens the logs in `directory`, making it where it is not. Rejects with DATA_UNUSABLE, LOG_LOCKED or LOG_CORRUPT. */
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

  /** The logs in `store`, which is then theirs to close. */
  static async over(store: Store, keys: KeyPair, options: LogOptions): Promise<Log> {
    const log = new Log(store, keys, options)
    try {
      await log.#recovery.open(options.isRepaired ?? false)
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
    return this.#ledger.heads
  }

  /** What a peer may be told before it has told its own: of the own log no more than somebody was told before. */
  get told(): Digest[] {
    return this.head.map(({ author }) => this.toldOf(author))
  }

  /** The same of one log. */
  toldOf(author: AuthorId): Digest {
    const seq = this.#ledger.durable(author)
    const frozen = this.#forks.proofOf(author)?.place
    const told = Math.min(seq, (frozen ?? Number.POSITIVE_INFINITY) - 1, author === this.id ? this.#own.offered : seq)
    const proof = this.#forks.proofOf(author)
    const chain = proof !== undefined && told === proof.place - 1 ? proof.chain : this.#ledger.chainAt(author, told)
    return {
      author,
      seq: told,
      ...(chain !== undefined && told > 0 && { chain: chain.subarray(0, CHAIN_PREFIX_BYTES) }),
      ...(frozen !== undefined && { frozen }),
    }
  }

  get isReadOnly(): boolean {
    return this.#queue.isReadOnly
  }

  /**
   * Appends an entry to the own log; resolves when it is on disk. Nobody is sent or shown it before.
   * Rejects with BAD_MESSAGE, LOG_WRITE_FAILED, LOG_READ_ONLY or LOG_CLOSED.
   */
  append(members: Members): Promise<Entry> {
    const mustWait = this.#recovery.isRelearning(this.id) || this.#restoration.isOn
    if (mustWait) this.#restoration.hold()
    return mustWait || this.#queue.isReadOnly || this.#isFrozen ? this.#appendLater(members) : this.#appendNow(members)
  }

  /** What stands at (author, seq), if this disk holds it. */
  async entry(author: AuthorId, seq: Seq): Promise<Entry | undefined> {
    if (seq < 1 || seq > this.#ledger.durable(author)) return undefined
    for await (const [entry] of this.#reader.log({ author, from: seq, to: seq + 1 })) return entry
    return undefined
  }

  /**
   * Takes in what a peer sent of an unsigned author: only what continues the log at its head. Resolves when that is on
   * disk; what is held already is passed over. While the disk does not answer it waits, so that nothing is lost.
   */
  add(run: UnsignedRun, newAuthors?: HourlyQuota): Promise<Refusal | undefined> {
    return this.#recovery.whenWritable(run.author, () => this.#intake.add(run, newAuthors))
  }

  /** The same for consecutive runs of a signed author: stored is what a signature vouches for, and nothing else. */
  addSigned(author: AuthorId, runs: readonly SignedRun[], newAuthors?: HourlyQuota): Promise<Refusal | undefined> {
    return this.#recovery.whenWritable(author, () => this.#intake.addSigned(author, runs, newAuthors))
  }

  /** Takes in what a peer says proves a fork, if it does. While the disk does not answer it waits, as entries do. */
  addProof(segments: readonly [Segment, Segment]): Promise<Refusal | undefined> {
    return this.#recovery.whenWritable(authorOfKey(segments[0].key), () => this.#intake.addProof(segments))
  }

  /** Heads that are as long as those held here, and not the same. */
  differing(heads: readonly Digest[]): Digest[] {
    return this.#intake.differing(heads)
  }

  /** A peer holds another history of the own log: segments of it are to be compared with what is held here. */
  ownDiffers(): void {
    if (this.#forks.proofOf(this.id) === undefined) this.#forks.suspect(this.id)
  }

  /** The segment that holds an entry, for a peer that asks. */
  async segmentAt(author: AuthorId, seq: Seq): Promise<Segment | undefined> {
    return seq > this.#ledger.durable(author) ? undefined : this.#forks.segmentAt(author, seq)
  }

  /** Whether an entry stands at or above a place at which its author signed two histories. */
  isDisputed({ author, seq }: Digest): boolean {
    return seq >= (this.#forks.proofOf(author)?.place ?? Number.POSITIVE_INFINITY)
  }

  /**
   * A peer says how much it holds of the own log, 0 for nothing of it. Where that is more than was ever told to anybody, this
   * disk has lost some of it: nothing is appended until it is back, or 5 s have passed. PROTOCOL.md §4.5.
   */
  ownClaimed(seq: Seq): void {
    if (this.#forks.proofOf(this.id) === undefined) this.#restoration.heard(seq)
  }

  /** Why nothing is appended until a peer has said how far it holds the own log, if that is so. */
  get inDoubt(): Doubt | undefined {
    return this.#restoration.inDoubt
  }

  /** Ends a doubt: the author says that no peer holds more of the own log than this disk. */
  async trustThisDisk(): Promise<void> {
    await this.#restoration.trustThisDisk()
  }

  /** Notes that peers are told of all own entries from now on, and tells them. Rejects as `append` does; then it is tried again. */
  async offer(): Promise<void> {
    try {
      await this.#restoration.wait()
      await this.#restoration.sayAgain(members => this.append(members))
      await this.#own.offer()
    } catch (error) {
      if (this.#queue.isReadOnly && !this.#isClosed) void this.writable().then(() => this.offer().catch(() => {}))
      throw error
    }
  }

  /** Resolves when nothing stands against writing, or the log is closed. */
  async writable(): Promise<void> {
    await this.#recovery.writable()
  }

  /** Batches of entries: the history in order of conversation, then, where `live`, what arrives. Each entry once. */
  read(options: ReadOptions = {}): AsyncGenerator<readonly Entry[]> {
    return this.#reader.read(options)
  }

  /** All that a peer of ours lacks, as it is stored. */
  relay(since: readonly Digest[] = []): AsyncGenerator<Relayed> {
    return this.#reader.relay(since)
  }

  /** What a feed brings, for a peer of ours that follows it. */
  follow(options: RelayOptions): AsyncGenerator<Relayed> {
    return this.#reader.follow(options)
  }

  /** What arrives from now on, for one who relays it. */
  openFeed(): Subscription {
    return this.#reader.openFeed(undefined, true)
  }

  /** How far a log goes here, with what is on its way to the disk; of the own log what somebody may have been told of. */
  reach(author: AuthorId): Seq {
    const planned = this.#ledger.planned(author)
    return author === this.id ? Math.min(planned, this.#own.offered) : planned
  }

  /** The same as a stream of entries, in scuttleup's words. */
  createReadStream(options: ReadOptions = {}): Readable {
    return new EntryStream(given => this.read(given), options)
  }

  /** Looks at everything that is stored of a log. */
  async verify(author: AuthorId): Promise<{ readonly last: Seq; readonly fault: string | undefined }> {
    return isSigned(author)
      ? verifySegments(this.#store, this.#room, author, this.#forks.proofOf(author))
      : this.#rows.verify(author, this.#ledger.durable(author))
  }

  /**
   * Looks at everything that is stored, of every author of whom anything is. A log that ends before the place at which it is
   * known to end, from rows of its own or from `known` outside of the database, has a fault too.
   */
  async *verifyAll(known: FoundMark | undefined): AsyncGenerator<Verified> {
    const claims = new Map([...(await this.#rows.claims()), ...(await this.#heads.claims())])
    const ends = new Map<AuthorId, Seq>(known?.heads)
    if (known?.mark !== undefined) ends.set(known.mark.author, known.mark.seq)
    for (const author of new Set([...claims.keys(), ...ends.keys()])) {
      const { last, fault } = await this.verify(author)
      const claim = claims.get(author) ?? 0
      const expected = Math.max(ends.get(author) ?? 0, claim === 'damaged' ? 0 : claim)
      yield {
        author,
        last,
        fault: fault ?? faultOf(last, expected, claim),
        forkedAt: this.#forks.proofOf(author)?.place,
      }
    }
  }

  /** Looks for what this disk has lost without an error. What is missing is reported, and fetched again. */
  async inspect(): Promise<void> {
    await this.#store.inspect?.()
    for (const { author, seq } of this.head) {
      if (this.#isClosed) return
      await (isSigned(author) ? this.#segments : this.#rows).inspect(author, seq)
    }
  }

  /** Ends all readers, waits for what is being written, and closes the database. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#restoration.finish()
    this.#reader.close()
    this.#recovery.close()
    await this.#queue.close()
    // Before the lock of the database is free: the next process to open it has the mark for itself.
    await this.#mark?.close(this.head)
    await this.#store.close()
  }

  /** The part of the chain value at a place of our log that peers send with their heads. */
  async ourChainAt(seq: Seq): Promise<Uint8Array | undefined> {
    if (seq > this.#ledger.durable(this.id)) return undefined
    const known = this.#ledger.chainAt(this.id, seq)
    if (known !== undefined) return known.subarray(0, CHAIN_PREFIX_BYTES)
    const segment = await this.#segments.segmentAt(this.id, seq)
    if (segment === undefined) return undefined
    const entries = segment.entries.slice(0, seq - segment.first + 1)
    return chainAfter(segment.before, entries).subarray(0, CHAIN_PREFIX_BYTES)
  }

  get #isFrozen(): boolean {
    return this.#forks.proofOf(this.id) !== undefined
  }

  #appendNow(members: Members): Promise<Entry> {
    const at = this.#hybrid.next(this.#own.last)
    let entry: string
    try {
      entry = entryText(at, this.clock.now(), members)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#own.append(at, entry)
  }

  async #appendLater(members: Members): Promise<Entry> {
    // What is learnt again may have to be restored: neither alone lets the log go on.
    while (this.#recovery.isRelearning(this.id) || this.#restoration.isOn) {
      await this.#recovery.relearnt(this.id)
      await this.#restoration.wait()
    }
    if (this.#queue.isReadOnly) await this.#queue.write([]) // rejects with the reason
    if (this.#isFrozen) {
      throw new ChatError('LOG_FROZEN', 'not stored: your log has forked, and peers reject further entries of it', {
        hint: 'Stop, run `persisted-chat renew` with your name, and start again.',
      })
    }
    return this.#appendNow(members)
  }

  /** What of a span peers may be told: of the own log what is noted on disk as told, with what was held back until now. */
  #tellable({ author, from, to }: SeqRange): SeqRange {
    if (author !== this.id) return { author, from, to }
    const end = Math.min(to, this.#own.offered + 1)
    const start = Math.min(from, this.#relayed + 1)
    this.#relayed = Math.max(this.#relayed, end - 1)
    return { author, from: start, to: end }
  }

  /** Entries are on disk; those below `news` were before, and were lost. */
  #announce(span: SeqRange, news: Seq = span.from): void {
    this.#reader.announce({ ...span, from: Math.max(span.from, news) })
    this.#reader.relayOn(this.#tellable(span))
    this.emit('persisted', span)
    if (news < span.to) this.emit('entries', { ...span, from: news })
  }
}

function faultOf(last: Seq, expected: Seq, claim: Claim): string | undefined {
  if (last < expected) return `entries ${last + 1} to ${expected} are missing`
  return claim === 'damaged' ? 'the row that says how far it goes is damaged' : undefined
}
