import { sameBytes } from '../../base/wire/bytes.js'
import { type AuthorId, keyOf, type Seq } from '../format/author.js'
import { chainAfter, chainStart } from '../format/chain.js'
import { claimedHlc } from '../format/entry.js'
import type { SignedHead } from '../format/heads.js'
import { EARLIEST, type HybridClock } from '../format/hybrid-clock.js'
import { bytesOf } from '../format/packed.js'
import { lastOf, packedOf, type Segment } from '../format/segment.js'
import type { SignedPlan } from '../format/segment-plan.js'
import {
  ALL_SEGMENTS,
  ALL_SIGNED_HEADS,
  PLACES_END,
  placeOf,
  segmentKey,
  segmentKeyAuthor,
  segmentRange,
  signedHeadKeyAuthor,
  storedHead,
  storedSegment,
} from '../format/segment-rows.js'
import type { Store, Write } from './store.js'

/** How far a log goes, as the row about that says. */
export type Claim = Seq | 'damaged'

/** How far the logs of signed authors go on the disk, as their segments say, and what stands in the way behind that. PROTOCOL.md §4.2. */
export class HeadIndex {
  readonly #store: Store
  readonly #room: Uint8Array
  readonly #clock: HybridClock
  #stale: SignedHead[] = []
  /** Where segments begin that stand behind the end of a log, beyond what is missing. */
  readonly #behind = new Map<AuthorId, readonly Seq[]>()

  constructor(store: Store, room: Uint8Array, clock: HybridClock) {
    this.#store = store
    this.#room = room
    this.#clock = clock
  }

  /**
   * The heads of all logs, each true to the last segment that is there; after a repair, which may have lost some in the middle,
   * to all segments up to the first that is missing.
   */
  async load(isRepaired = false): Promise<Map<AuthorId, SignedHead>> {
    const saved = new Map<AuthorId, SignedHead>()
    for await (const page of this.#store.pages(ALL_SIGNED_HEADS)) {
      for (const row of page) {
        const head = storedHead(row)
        if (head !== undefined) saved.set(head.author, head)
      }
    }
    const heads = new Map<AuthorId, SignedHead>()
    this.#stale = []
    for await (const author of this.#authors()) {
      const head = isRepaired
        ? await this.headBefore(author, PLACES_END)
        : await this.#trueHead(author, saved.get(author))
      if (head === undefined) continue
      heads.set(author, head)
      this.#clock.observe(head.last)
      if (head.seq !== saved.get(author)?.seq) this.#stale.push(head)
    }
    return heads
  }

  /** Heads whose rows were found behind the segments, as after a crash: written, they need not be made again at each start. */
  get stale(): readonly SignedHead[] {
    return this.#stale
  }

  /** Every author of whom anything is stored, and how far the row about that says that the log goes: `damaged` where it says nothing. */
  async claims(): Promise<Map<AuthorId, Claim>> {
    const claims = new Map<AuthorId, Claim>()
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
   * The head that the segments give before `end`, as far as they are whole and continue each other; where an earlier head was
   * saved, from there on. What stands behind it stays until `replaced` takes it away.
   */
  async headBefore(author: AuthorId, end: Seq, saved?: SignedHead): Promise<SignedHead | undefined> {
    const key = keyOf(author)
    if (key === undefined) return undefined
    const known = saved && (await this.#headUpTo(key, saved))
    const head = await this.#headBefore(author, key, end, known)
    const behind: Seq[] = []
    for await (const rows of this.#store.keys(segmentRange(key, (head?.seq ?? 0) + 1, PLACES_END)))
      behind.push(...rows.map(placeOf))
    if (behind.length > 0) this.#behind.set(author, behind)
    else this.#behind.delete(author)
    return head
  }

  /** Writes that take away what is stored under a log and is no segment of it: it would be in the way of what comes again. */
  async damaged(author: AuthorId): Promise<Write[]> {
    const key = keyOf(author)
    if (key === undefined) return []
    const writes: Write[] = []
    for await (const page of this.#store.pages(segmentRange(key, 0, PLACES_END))) {
      for (const row of page) if (storedSegment(row) === undefined) writes.push({ type: 'del', key: row[0] })
    }
    return writes
  }

  /** Removes the segments left from before a loss that begin among new entries: they would stand in the way of readers. */
  replaced(author: AuthorId, from: Seq, to: Seq): Write[] {
    const key = keyOf(author)
    const behind = this.#behind.get(author)
    if (key === undefined || behind === undefined) return []
    const kept = behind.filter(first => first < from || first > to)
    if (kept.length > 0) this.#behind.set(author, kept)
    else this.#behind.delete(author)
    return behind
      .filter(first => first >= from && first <= to)
      .map(first => ({ type: 'del', key: segmentKey(key, first) }))
  }

  /** Moves the clock behind new entries, so that what answers them stands behind them. */
  observe(plan: Pick<SignedPlan, 'head' | 'entries'>): void {
    const last = plan.head?.last ?? EARLIEST
    if (this.#clock.isBelievable(last)) this.#clock.observe(last)
    else this.#clock.observe(plan.entries.findLast(({ at }) => this.#clock.isBelievable(at))?.at ?? EARLIEST)
  }

  async *#authors(): AsyncGenerator<AuthorId> {
    let gte = ALL_SEGMENTS.gte
    for (;;) {
      let author: AuthorId | undefined
      for await (const [row] of this.#store.keys({ gte, lt: ALL_SEGMENTS.lt, limit: 1 })) {
        if (row !== undefined) author = segmentKeyAuthor(row)
      }
      if (author === undefined) return
      yield author
      gte = segmentRange(keyOf(author) ?? new Uint8Array(32), 0, PLACES_END).lt
    }
  }

  /** The saved head where the last segment agrees with it; else what the segments say, behind it as far as it is true. */
  async #trueHead(author: AuthorId, saved: SignedHead | undefined): Promise<SignedHead | undefined> {
    const key = keyOf(author)
    if (key === undefined) return undefined
    let last: Segment | undefined
    for await (const [row] of this.#store.pages({ ...segmentRange(key, 0, PLACES_END), reverse: true, limit: 1 })) {
      last = row === undefined ? undefined : storedSegment(row)
    }
    if (saved !== undefined && last !== undefined && isHeadOf(last, saved)) return saved
    return this.headBefore(author, PLACES_END, saved)
  }

  /** What a saved head says of the log before the segment that it lies in, if that is true. */
  async #headUpTo(key: Uint8Array, saved: SignedHead): Promise<SignedHead | undefined> {
    const range = { ...segmentRange(key, 0, saved.seq + 1), reverse: true, limit: 1 }
    for await (const [row] of this.#store.pages(range)) {
      const segment = row === undefined ? undefined : storedSegment(row)
      if (segment === undefined || lastOf(segment) < saved.seq) return undefined
      const entries = segment.entries.slice(0, saved.seq - segment.first + 1)
      if (!isHeadOf({ ...segment, entries }, saved)) return undefined
      return { ...saved, seq: segment.first - 1, chain: segment.before, size: saved.size - bytesOf(entries) }
    }
    return undefined
  }

  async #headBefore(
    author: AuthorId,
    key: Uint8Array,
    end: Seq,
    known: SignedHead | undefined,
  ): Promise<SignedHead | undefined> {
    let chain = known?.chain ?? chainStart({ room: this.#room, key })
    let head = known
    let size = known?.size ?? 0
    for await (const page of this.#store.pages(segmentRange(key, (known?.seq ?? 0) + 1, PLACES_END))) {
      for (const row of page) {
        const segment = storedSegment(row)
        if (
          segment === undefined ||
          segment.first !== (head?.seq ?? 0) + 1 ||
          Buffer.compare(segment.before, chain) !== 0
        )
          return head
        if (lastOf(segment) >= end) return head
        chain = chainAfter(chain, segment.entries)
        const first = head?.first ?? claimedHlc(segment.entries[0] as Uint8Array)
        const last = claimedHlc(segment.entries.at(-1) as Uint8Array)
        if (first === undefined || last === undefined) return head
        size += packedOf(segment).bytes.length
        head = { author, seq: lastOf(segment), chain, first, last, size }
      }
    }
    return head
  }
}

/** Whether a head is true to the last segment of its log. */
const isHeadOf = (segment: Segment, { seq, chain, last }: SignedHead): boolean =>
  lastOf(segment) === seq &&
  claimedHlc(segment.entries.at(-1) as Uint8Array) === last &&
  sameBytes(chainAfter(segment.before, segment.entries), chain)
