import type { HourlyQuota } from '../base/hourly-quota.js'
import { type AuthorId, isSigned, type Seq } from './format/author.js'
import type { ChainValue } from './format/chain.js'
import type { Digest, Head, SignedHead } from './format/heads.js'
import { AUTHORS_MAX, SEGMENT_BYTES_MAX } from './limits.js'
import type { Refusal } from './options.js'
import type { SeqRange } from './read/subscription.js'
import type { CommitQueue } from './store/commit-queue.js'
import type { SegmentStore } from './store/segment-store.js'
import type { Write } from './store/store.js'
import { type Tip, type Tips, tipAt } from './tip.js'

/** Small segments of one log after which they are joined. */
export const MERGE_SEGMENTS = 64

/** Entries that are planned behind a log's head, and the rows for them. */
export interface Addition {
  readonly head: Head | SignedHead
  readonly count: number
  readonly writes: readonly Write[]
  /** The row that says how far the log goes then. */
  readonly headWrite: () => Write
  /** How many segments are among the rows. */
  readonly segments: number
}

/** Keeps account of how far every log goes: what is planned, what is on disk, and what readers were told of. */
export class Frontier {
  readonly tips: Tips = new Map()
  readonly #queue: CommitQueue
  readonly #segments: SegmentStore
  readonly #authorsMax: number
  readonly #onDurable: (span: SeqRange, news: Seq) => void

  constructor(
    queue: CommitQueue,
    segments: SegmentStore,
    authorsMax = AUTHORS_MAX,
    onDurable: (span: SeqRange, news: Seq) => void,
  ) {
    this.#queue = queue
    this.#segments = segments
    this.#authorsMax = authorsMax
    this.#onDurable = onDurable
  }

  /** How far each log goes on this disk. */
  get heads(): Digest[] {
    const digests: Digest[] = []
    for (const [author, { durable }] of this.tips) if (durable > 0) digests.push({ author, seq: durable })
    return digests
  }

  durable(author: AuthorId): Seq {
    return this.tips.get(author)?.durable ?? 0
  }

  /** How far a log goes, with what is on its way to the disk. */
  planned(author: AuthorId): Seq {
    return this.tips.get(author)?.planned.seq ?? 0
  }

  /** The chain value at a place of a signed log, if it is one that is remembered: at its end, or at the end of what is on disk. */
  chainAt(author: AuthorId, seq: Seq): ChainValue | undefined {
    const planned = this.signedHead(author)
    if (planned?.seq === seq) return planned.chain
    const stored = this.tips.get(author)?.chainAt
    return stored?.seq === seq ? stored.chain : undefined
  }

  signedHead(author: AuthorId): SignedHead | undefined {
    const planned = this.tips.get(author)?.planned
    return planned !== undefined && 'chain' in planned ? planned : undefined
  }

  /** What the disk is found to hold, in the place of what was thought. */
  reset(heads: Iterable<Head | SignedHead>): void {
    this.tips.clear()
    this.#segments.forget()
    for (const head of heads) this.tips.set(head.author, tipAt(head))
  }

  /**
   * One log is found to go only so far. Readers are not told again of what they saw, unless what comes behind `announcedMax` is
   * something else.
   */
  put(author: AuthorId, head: Head | SignedHead | undefined, announcedMax = Number.POSITIVE_INFINITY): void {
    this.#segments.forget(author)
    const announced = Math.min(announcedMax, this.tips.get(author)?.announced ?? 0)
    if (head === undefined) this.tips.delete(author)
    else this.tips.set(author, tipAt(head, announced))
  }

  /** Why a log cannot be begun here, if it cannot. */
  refusalOf(author: AuthorId, newAuthors: HourlyQuota | undefined): Refusal | undefined {
    if (this.tips.has(author)) return undefined
    if (this.tips.size >= this.#authorsMax)
      return { reason: `${this.#authorsMax} authors are held, and no more are taken` }
    if (newAuthors?.take() === false) return { reason: 'too many new authors in an hour from one link' }
    return undefined
  }

  /** Whether one more author fits. */
  get hasRoom(): boolean {
    return this.tips.size < this.#authorsMax
  }

  /** From now on what follows on `head` can be planned. */
  plan(head: Head | SignedHead): Tip {
    const tip = this.tips.get(head.author) ?? {
      planned: head,
      durable: 0,
      chainAt: undefined,
      announced: 0,
      loose: { count: 0, from: 1, size: 0 },
    }
    tip.planned = head
    this.tips.set(head.author, tip)
    return tip
  }

  /** Stores planned entries that end at a head; resolves when they are on disk and readers are told. */
  async write({ head, count, writes, headWrite, segments }: Addition): Promise<void> {
    const { author, seq } = head
    const tip = this.plan(head)
    try {
      await this.#queue.write(writes, { name: author, isDeferrable: isSigned(author), write: headWrite })
    } catch (error) {
      if (tip.durable === 0 && this.tips.get(author) === tip) this.tips.delete(author)
      throw error
    }
    if (segments > 0) this.#segments.cache(author, writes)
    this.stored(author, seq + 1 - count, seq + 1, segments, 'chain' in head ? head.chain : undefined)
  }

  /** Entries with `from ≤ seq < to` are on disk; `chain` is the chain value behind the last, of a signed log. */
  stored(author: AuthorId, from: Seq, to: Seq, segments: number, chain: ChainValue | undefined): void {
    const tip = this.tips.get(author)
    if (tip === undefined) return
    tip.durable = to - 1
    tip.chainAt = chain && { seq: to - 1, chain }
    const news = Math.max(from, tip.announced + 1)
    tip.announced = Math.max(tip.announced, to - 1)
    this.#onDurable({ author, from, to }, news)
    if (segments === 0) return
    tip.loose.count += segments
    if (tip.loose.count >= MERGE_SEGMENTS) void this.#joinSmall(author, tip)
  }

  /** Joins segments that came one by one, where most are small. It changes no entry, and no reader sees it. */
  async #joinSmall(author: AuthorId, tip: Tip): Promise<void> {
    const { count, from, size } = tip.loose
    const to = tip.durable + 1
    tip.loose = { count: 0, from: to, size: tip.planned.size }
    if (tip.planned.size - size > (count * SEGMENT_BYTES_MAX) / 2) return
    try {
      const writes = await this.#segments.merged(author, from, to)
      if (writes.length > 0) await this.#queue.write(writes)
    } catch {
      // Not joined: it stays as it is stored, which is as good.
    }
  }
}
