import { EMPTY, sameBytes } from '../../base/wire/bytes.js'
import { type LogId, logKeyOf, type Seq } from '../format/author.js'
import { chainAfter, chainStart, type LogName } from '../format/chain.js'
import { packedHlc } from '../format/entry.js'
import type { SignedHead } from '../format/heads.js'
import { EARLIEST, type HybridClock } from '../format/hybrid-clock.js'
import { sizeOfPacked } from '../format/packed.js'
import { lastOf, packedOf, type Segment } from '../format/segment.js'
import type { SignedPlan } from '../format/segment-plan.js'
import {
  ALL_SEGMENTS,
  ALL_SIGNED_HEADS,
  firstSeqIn,
  SEQ_END,
  segmentKey,
  segmentKeyAuthor,
  segmentRange,
  signedHeadKeyAuthor,
  storedHead,
  storedSegment,
} from '../format/segment-rows.js'
import type { Store, Write } from './store.js'

/** Last seq of a log according to the row of its head. */
export type Claim = Seq | 'damaged'

/**
 * Finds the heads of signed logs from their rows and segments, and the segments after a gap, which no head includes.
 * docs/protocol/storage.md §4.2.
 */
export class HeadIndex {
  readonly #store: Store
  readonly #nameOf: (log: LogId) => LogName
  readonly #clock: HybridClock
  #stale: SignedHead[] = []
  /** First seqs of segments beyond the end of a log, after a gap. */
  readonly #afterGap = new Map<LogId, readonly Seq[]>()

  constructor(store: Store, nameOf: (log: LogId) => LogName, clock: HybridClock) {
    this.#store = store
    this.#nameOf = nameOf
    this.#clock = clock
  }

  /**
   * The heads of all logs, each checked against the last segment; or, after a repair, which may have lost segments in the middle,
   * against all segments up to the first gap.
   */
  async load(isRepaired = false): Promise<Map<LogId, SignedHead>> {
    const saved = new Map<LogId, SignedHead>()
    for await (const page of this.#store.pages(ALL_SIGNED_HEADS)) {
      for (const row of page) {
        const head = storedHead(row)
        if (head !== undefined) saved.set(head.author, head)
      }
    }
    const heads = new Map<LogId, SignedHead>()
    this.#stale = []
    for await (const author of this.#authors()) {
      const head = isRepaired
        ? await this.headBefore(author, SEQ_END)
        : await this.#checkedHead(author, saved.get(author))
      if (head === undefined) continue
      heads.set(author, head)
      this.#clock.observe(head.last, author)
      if (head.seq !== saved.get(author)?.seq) this.#stale.push(head)
    }
    return heads
  }

  /** Heads whose rows are outdated, as after a crash. Writing them saves the next start from recomputing them. */
  get stale(): readonly SignedHead[] {
    return this.#stale
  }

  /** All authors with any row, and the last seq according to the row of the head. */
  async claims(): Promise<Map<LogId, Claim>> {
    const claims = new Map<LogId, Claim>()
    for await (const author of this.#authors()) claims.set(author, 0)
    for await (const page of this.#store.pages(ALL_SIGNED_HEADS)) {
      for (const row of page) {
        const author = signedHeadKeyAuthor(row[0])
        if (author !== undefined) claims.set(author, storedHead(row)?.seq ?? 'damaged')
      }
    }
    return claims
  }

  /**
   * The head before `end`, computed from intact segments without gaps. The computation starts at `saved` if that is still correct. Segments
   * after the result stay until `replaced` deletes them.
   */
  async headBefore(author: LogId, end: Seq, saved?: SignedHead): Promise<SignedHead | undefined> {
    const key = logKeyOf(author)
    if (key === undefined) return undefined
    const known = saved && (await this.#headBeforeSaved(key, saved))
    const head = await this.#headBefore(author, key, end, known)
    const afterGap: Seq[] = []
    for await (const rows of this.#store.keys(segmentRange(key, (head?.seq ?? 0) + 1, SEQ_END)))
      afterGap.push(...rows.map(firstSeqIn))
    if (afterGap.length > 0) this.#afterGap.set(author, afterGap)
    else this.#afterGap.delete(author)
    return head
  }

  /** The head of the segments at the start of a log that have at most `bytesMax`. */
  async headWithin(author: LogId, bytesMax: number): Promise<SignedHead | undefined> {
    const key = logKeyOf(author)
    return key && (await this.#headBefore(author, key, SEQ_END, undefined, bytesMax))
  }

  /** Writes that delete damaged rows of a log, so that its entries can be stored again. */
  async damaged(author: LogId): Promise<Write[]> {
    const key = logKeyOf(author)
    if (key === undefined) return []
    const writes: Write[] = []
    for await (const page of this.#store.pages(segmentRange(key, 0, SEQ_END))) {
      for (const row of page) if (storedSegment(row) === undefined) writes.push({ type: 'del', key: row[0] })
    }
    return writes
  }

  /** Writes that delete the segments after a gap whose places new entries take, because readers would stop at them. */
  replaced(author: LogId, from: Seq, to: Seq): Write[] {
    const key = logKeyOf(author)
    const afterGap = this.#afterGap.get(author)
    if (key === undefined || afterGap === undefined) return []
    const kept = afterGap.filter(first => first < from || first > to)
    if (kept.length > 0) this.#afterGap.set(author, kept)
    else this.#afterGap.delete(author)
    return afterGap
      .filter(first => first >= from && first <= to)
      .map(first => ({ type: 'del', key: segmentKey(key, first) }))
  }

  /** Moves the clock past new entries, so that replies to them are ordered after them. */
  observe(plan: Pick<SignedPlan, 'head' | 'entries'>): void {
    if (plan.head === undefined) return
    const { author, last } = plan.head
    // `entries` is a getter that creates all entries: use it only if the last entry is not credible.
    if (this.#clock.isCredible(last, author)) this.#clock.observe(last, author)
    else
      this.#clock.observe(plan.entries.findLast(({ at }) => this.#clock.isCredible(at, author))?.at ?? EARLIEST, author)
  }

  async *#authors(): AsyncGenerator<LogId> {
    let gte = ALL_SEGMENTS.gte
    for (;;) {
      let author: LogId | undefined
      for await (const [row] of this.#store.keys({ gte, lt: ALL_SEGMENTS.lt, limit: 1 })) {
        if (row !== undefined) author = segmentKeyAuthor(row)
      }
      if (author === undefined) return
      yield author
      gte = segmentRange(logKeyOf(author) ?? EMPTY, 0, SEQ_END).lt
    }
  }

  /** The saved head if the last segment agrees with it; otherwise the head computed from the segments. */
  async #checkedHead(author: LogId, saved: SignedHead | undefined): Promise<SignedHead | undefined> {
    const key = logKeyOf(author)
    if (key === undefined) return undefined
    let last: Segment | undefined
    for await (const [row] of this.#store.pages({ ...segmentRange(key, 0, SEQ_END), reverse: true, limit: 1 })) {
      last = row === undefined ? undefined : storedSegment(row)
    }
    if (saved !== undefined && last !== undefined && isHeadOf(last, saved)) return saved
    return this.headBefore(author, SEQ_END, saved)
  }

  /** The head before the segment that contains a saved head's last entry, if the saved head is correct. */
  async #headBeforeSaved(key: Uint8Array, saved: SignedHead): Promise<SignedHead | undefined> {
    const range = { ...segmentRange(key, 0, saved.seq + 1), reverse: true, limit: 1 }
    for await (const [row] of this.#store.pages(range)) {
      const segment = row === undefined ? undefined : storedSegment(row)
      if (segment === undefined || lastOf(segment) < saved.seq) return undefined
      const entries = segment.entries.slice(0, saved.seq - segment.first + 1)
      if (!isHeadOf({ ...segment, entries }, saved)) return undefined
      return { ...saved, seq: segment.first - 1, chain: segment.before, size: saved.size - sizeOfPacked(entries) }
    }
    return undefined
  }

  async #headBefore(
    author: LogId,
    key: Uint8Array,
    end: Seq,
    known: SignedHead | undefined,
    bytesMax = Number.POSITIVE_INFINITY,
  ): Promise<SignedHead | undefined> {
    let chain = known?.chain ?? chainStart(this.#nameOf(author))
    let head = known
    let size = known?.size ?? 0
    for await (const page of this.#store.pages(segmentRange(key, (known?.seq ?? 0) + 1, SEQ_END))) {
      for (const row of page) {
        const segment = storedSegment(row)
        if (
          segment === undefined ||
          segment.first !== (head?.seq ?? 0) + 1 ||
          Buffer.compare(segment.before, chain) !== 0
        )
          return head
        if (lastOf(segment) >= end || size + packedOf(segment).bytes.length > bytesMax) return head
        chain = chainAfter(chain, segment.entries)
        const first = head?.first ?? packedHlc(segment.entries[0] as Uint8Array)
        const last = packedHlc(segment.entries.at(-1) as Uint8Array)
        if (first === undefined || last === undefined) return head
        size += packedOf(segment).bytes.length
        head = { author, seq: lastOf(segment), chain, first, last, size }
      }
    }
    return head
  }
}

/** Whether a head agrees with the last segment of its log. */
const isHeadOf = (segment: Segment, { seq, chain, last }: SignedHead): boolean =>
  lastOf(segment) === seq &&
  packedHlc(segment.entries.at(-1) as Uint8Array) === last &&
  sameBytes(chainAfter(segment.before, segment.entries), chain)
