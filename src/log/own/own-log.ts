import type { KeyPair } from '../../base/crypto/signing.js'
import { bufferOf } from '../../base/wire/bytes.js'
import { type AuthorId, authorOfKey, type Seq } from '../format/author.js'
import { type ChainValue, chainAfter, chainStart, signChain } from '../format/chain.js'
import type { Entry } from '../format/entry.js'
import type { SignedHead } from '../format/heads.js'
import { EARLIEST, type Hlc } from '../format/hybrid-clock.js'
import { encodeSegment, lastOf, type Segment } from '../format/segment.js'
import { publishedKey, segmentWrite, signedHeadWrite, writtenEntries } from '../format/segment-rows.js'
import { SEGMENT_BYTES_MAX } from '../limits.js'
import { BATCH_BYTES_MAX, type End } from '../mark/mark.js'
import type { SeqRange } from '../read/subscription.js'
import type { CommitQueue } from '../store/commit-queue.js'
import { COMMIT_BYTES_MAX } from '../store/commit-queue.js'
import type { Put, Write } from '../store/store.js'
import { SegmentWriter } from './segment-writer.js'

/** Segments that go to the disk together, at most: a quarter of a commit, so that the disk works while more is appended. */
const GROUP_SEGMENTS_MAX = COMMIT_BYTES_MAX / SEGMENT_BYTES_MAX / 4 - 1

/** Entries that go to the disk together, under as few signatures as hold them. */
interface Group {
  readonly rows: Put[]
  /** Settles when they are on disk. */
  readonly done: Promise<void>
  /** Once they are: the first entry, and at each call the next. */
  readonly next: () => Entry
  /** `at` of the first. */
  readonly first: Hlc
  /** What the log is with them; not before nothing is added any more. */
  head: SignedHead | undefined
}

/** Where the end of the own log is noted outside of the database. */
export interface EndMark {
  /** Notes an end; resolves when it is on disk. It never rejects: what cannot be kept is gone without. */
  note(end: End): Promise<void>
  /** Notes that the log ends here, though more was noted before. */
  level(end: End): Promise<void>
}

/** What is told of own entries, in order. */
export interface OwnLogHooks {
  /** They are on their way to the disk. */
  onSealed(head: SignedHead): void
  /** Those with `from ≤ seq < to` are on disk, in these rows. */
  onStored(author: AuthorId, from: Seq, to: Seq, rows: readonly Put[], chain: ChainValue | undefined): void
  /** Peers may be told of these, which are on disk; what they are told with the same commit is not said here. */
  onOffered(span: SeqRange): void
}

/** The log that this process extends: it alone signs with its key. */
export class OwnLog {
  readonly author: AuthorId
  readonly #keys: KeyPair
  readonly #room: Uint8Array
  readonly #queue: CommitQueue
  readonly #hooks: OwnLogHooks
  /** What is stored or on its way to the disk, and with that what waits for it. */
  #head: SignedHead | undefined
  #tail: SignedHead | undefined
  /** What was appended last, and `at` of the last entry. */
  #draft: SegmentWriter
  #last: Hlc = EARLIEST
  #group: Group | undefined
  #settled: Promise<void> = Promise.resolve()
  #offered: Seq = 0
  /** Whether peers are told of what is stored as soon as it is. */
  #isOffering = false

  readonly #mark: EndMark | undefined

  constructor(keys: KeyPair, room: Uint8Array, queue: CommitQueue, hooks: OwnLogHooks, mark: EndMark | undefined) {
    this.author = authorOfKey(keys.publicKey)
    this.#mark = mark
    this.#keys = keys
    this.#room = room
    this.#queue = queue
    this.#hooks = hooks
    this.#draft = this.#draftBehind(undefined)
  }

  get head(): SignedHead | undefined {
    return this.#head
  }

  /** The last own entry that some peer may hold. */
  get offered(): Seq {
    return this.#offered
  }

  get last(): Hlc {
    return this.#last
  }

  /** What the disk holds: after opening, and after each time that it failed. */
  reset(head: SignedHead | undefined, offered: Seq): void {
    if (this.#group !== undefined) this.#endGroup(this.#group)
    this.#head = head
    this.#tail = head
    this.#draft = this.#draftBehind(head)
    this.#last = head?.last ?? EARLIEST
    this.#mayTell(offered)
    this.#offered = offered
  }

  /** Appends one entry; resolves when it is on disk. */
  append(at: Hlc, entry: string): Promise<Entry> {
    this.#group ??= this.#startGroup(at)
    const group = this.#group
    const row = this.#draft.add(entry)
    if (row !== undefined) group.rows.push(row)
    this.#last = at
    if (group.rows.length >= GROUP_SEGMENTS_MAX) {
      this.#endGroup(group)
      this.#queue.begin()
    }
    // Whoever waits for one promise is called in order: nothing has to be kept of each that waits.
    return group.done.then(group.next)
  }

  /** Resolves when nothing that was appended is still on its way to the disk. */
  settled(): Promise<void> {
    return this.#settled
  }

  /** Notes on disk that peers are about to be told of everything that is stored. */
  async offer(): Promise<void> {
    this.#isOffering = true
    const seq = this.#draft.next - 1
    if (seq <= this.#offered) return
    await this.#queue.write([offeredWrite(this.author, seq)])
    if (this.#head !== undefined) await this.#mark?.note({ ...this.#head, told: Math.min(seq, this.#head.seq) })
    this.#mayTell(seq)
  }

  /** Notes outside of the database that the log ends where it is known to end. */
  async level(): Promise<void> {
    const chain = this.#head?.chain ?? chainStart({ room: this.#room, key: this.#keys.publicKey })
    await this.#mark?.level({ seq: this.#head?.seq ?? 0, chain, told: Math.min(this.#offered, this.#head?.seq ?? 0) })
  }

  /** The log ends where this disk says, however much was offered once: so its author says. */
  async forgetOffer(): Promise<void> {
    this.#offered = this.#head?.seq ?? 0
    await this.#queue.write([offeredWrite(this.author, this.#offered)])
  }

  /** Peers may now be told of entries up to `seq`. */
  #mayTell(seq: Seq): void {
    const from = this.#offered + 1
    this.#offered = Math.max(this.#offered, seq)
    if (from <= seq) this.#hooks.onOffered({ author: this.author, from, to: seq + 1 })
  }

  /** The row of a segment of own entries, signed anew. */
  seal(segment: Segment): Write {
    const signature = signChain(this.#keys, this.#room, lastOf(segment), chainAfter(segment.before, segment.entries))
    return segmentWrite(segment.key, segment.first, encodeSegment({ ...segment, entries: segment.entries, signature }))
  }

  #draftBehind(head: SignedHead | undefined): SegmentWriter {
    const before = head?.chain ?? chainStart({ room: this.#room, key: this.#keys.publicKey })
    return new SegmentWriter(this.#keys, this.#room, { next: (head?.seq ?? 0) + 1, before, size: head?.size ?? 0 })
  }

  /** What is appended until the disk is free goes there together, as far as a group holds it. */
  #startGroup(first: Hlc): Group {
    const from = this.#draft.next
    const rows: Put[] = []
    const entries = writtenEntries(this.author, rows)
    const before = this.#settled
    let marked: Promise<void> | undefined
    const writes = (): Write[] => {
      const head = this.#head
      const sealed = this.#sealGroup(group)
      marked = this.#noteBatch(head, sealed)
      return sealed
    }
    const stored = this.#queue.write({ bytes: () => rows.length * SEGMENT_BYTES_MAX, writes })
    // A mark can be slower than the commit behind it: what is stored is told in order all the same.
    const noted =
      this.#mark === undefined ? stored : stored.then(() => marked ?? this.#noteEnd(group.head)).then(() => before)
    const done = noted.then(() =>
      this.#hooks.onStored(this.author, from, (group.head?.seq ?? 0) + 1, rows, group.head?.chain),
    )
    const group: Group = { rows, done, next: () => entries.next().value as Entry, first, head: undefined }
    this.#settled = done.catch(() => {})
    return group
  }

  /** What is appended from now on comes after this group. */
  #endGroup(group: Group): SignedHead {
    const row = this.#draft.cut()
    if (row !== undefined) group.rows.push(row)
    const { next, chain } = this.#draft
    const first = this.#tail?.first ?? group.first
    group.head = { author: this.author, seq: next - 1, chain, first, last: this.#last, size: this.#draft.size }
    this.#tail = group.head
    this.#group = undefined
    return group.head
  }

  /**
   * Notes the end that a commit brings beside that commit, and what is in it, so that a crash between the two is no loss;
   * undefined where the batch is too large for that, and the end is noted behind the commit.
   */
  #noteBatch(before: SignedHead | undefined, rows: readonly Put[]): Promise<void> | undefined {
    if (this.#mark === undefined || this.#head === undefined) return undefined
    const bytes = rows.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
    if (bytes > BATCH_BYTES_MAX) return undefined
    const chain = before?.chain ?? chainStart({ room: this.#room, key: this.#keys.publicKey })
    const batch = { before: { seq: before?.seq ?? 0, chain }, rows }
    return this.#mark.note({
      seq: this.#head.seq,
      chain: this.#head.chain,
      told: this.#toldUpTo(this.#head.seq),
      batch,
    })
  }

  async #noteEnd(head: SignedHead | undefined): Promise<void> {
    if (head !== undefined) await this.#mark?.note({ seq: head.seq, chain: head.chain, told: this.#toldUpTo(head.seq) })
  }

  #toldUpTo(seq: Seq): Seq {
    return this.#isOffering ? seq : Math.min(seq, this.#offered)
  }

  #sealGroup(group: Group): Put[] {
    this.#head = group.head ?? this.#endGroup(group)
    this.#hooks.onSealed(this.#head)
    const writes = [...group.rows, signedHeadWrite(this.#head)]
    if (!this.#isOffering) return writes
    this.#offered = this.#head.seq
    return [...writes, offeredWrite(this.author, this.#offered)]
  }
}

function offeredWrite(author: AuthorId, seq: Seq): Put {
  const value = Buffer.alloc(4)
  value.writeUInt32BE(seq)
  return { type: 'put', key: publishedKey(author), value }
}

export const storedOffer = (value: Uint8Array | undefined): Seq =>
  value?.length === 4 ? bufferOf(value).readUInt32BE() : 0
