import { sameBytes } from '../base/bytes.js'
import { SEGMENT_BYTES_MAX } from '../base/limits.js'
import { type At, EARLIEST, type HybridClock } from './at.js'
import { type AuthorId, keyOf, type Seq } from './author.js'
import { chainAfter, chainStart, isVouchedFor } from './chain.js'
import { claimedAt, type Entry } from './entry.js'
import { type ForkProof, NO_SIGNATURE } from './fork.js'
import type { SignedHead } from './head.js'
import { type PlacedSegment, RecentSegments } from './recent-segments.js'
import type { OnHole } from './row-logs.js'
import { bytesOf, decodeSegment, lastOf, SEGMENT_ENTRIES_BYTES_MAX, type Segment } from './segment.js'
import type { SignedPlan } from './segment-plan.js'
import {
  ALL_SEGMENTS,
  ALL_SIGNED_HEADS,
  entriesOf,
  placedSegment,
  segmentKey,
  segmentKeyAuthor,
  segmentRange,
  segmentRow,
  storedHead,
  storedSegment,
  writtenSegments,
} from './segment-rows.js'
import type { Row, Store, Write } from './store.js'

/** Stored segments as they are sent, with the last place of the last. */
export interface RawSegments {
  readonly segments: readonly Uint8Array[]
  readonly last: Seq
}

const PLACES_END = 0x1_0000_0000

/** The logs of signed authors, kept as segments. PROTOCOL.md §4.2. */
export class SegmentLogs {
  readonly #store: Store
  readonly #room: Uint8Array
  readonly #clock: HybridClock
  readonly #onHole: OnHole
  readonly #recent = new RecentSegments()
  /** Where segments begin that stand behind the end of a log, beyond what is missing. */
  readonly #behind = new Map<AuthorId, readonly Seq[]>()

  constructor(store: Store, room: Uint8Array, clock: HybridClock, onHole: OnHole) {
    this.#store = store
    this.#room = room
    this.#clock = clock
    this.#onHole = onHole
  }

  /** The heads of all logs, each true to the last segment that is there. */
  async load(): Promise<Map<AuthorId, SignedHead>> {
    const saved = new Map<AuthorId, SignedHead>()
    for await (const page of this.#store.pages(ALL_SIGNED_HEADS)) {
      for (const row of page) {
        const head = storedHead(row)
        if (head !== undefined) saved.set(head.author, head)
      }
    }
    const heads = new Map<AuthorId, SignedHead>()
    for await (const author of this.#authors()) {
      const head = await this.#trueHead(author, saved.get(author))
      if (head === undefined) continue
      heads.set(author, head)
      this.#clock.observe(head.last)
    }
    return heads
  }

  /**
   * Entries with `from ≤ seq < to`, in order; ends before what is missing or damaged, which is reported. News may be read
   * from memory.
   */
  async *read(author: AuthorId, from: Seq, to: Seq, areNews = false): AsyncGenerator<readonly Entry[]> {
    let expected = from
    for await (const placed of areNews ? this.#latest(author, from, to) : this.#stored(author, from, to)) {
      for (const { bytes } of placed) {
        const segment = decodeSegment(bytes)
        if (segment === undefined) break
        const entries = entriesOf(author, segment).slice(expected - segment.first, to - segment.first)
        expected += entries.length
        yield entries
      }
    }
    if (expected < to) this.#onHole(author, expected)
  }

  /** The same entries from the last to the first. */
  async *readBack(author: AuthorId, from: Seq, to: Seq): AsyncGenerator<readonly Entry[]> {
    const key = keyOf(author)
    if (key === undefined) return
    let expected = to - 1
    for await (const page of this.#store.pages({ ...segmentRange(key, 0, to), reverse: true })) {
      for (const row of page) {
        if (expected < from) return
        const segment = storedSegment(row)
        if (segment === undefined || lastOf(segment) < expected) break
        const entries = entriesOf(author, segment).slice(
          Math.max(0, from - segment.first),
          expected + 1 - segment.first,
        )
        expected -= entries.length
        yield entries.toReversed()
      }
    }
    if (expected >= from) this.#onHole(author, expected)
  }

  /** The segments that hold the entries with `from ≤ seq < to`, as they are stored; the first may begin before `from`. */
  async *raw(author: AuthorId, from: Seq, to: Seq, bytesMax: number): AsyncGenerator<RawSegments> {
    let expected = from
    let segments: Uint8Array[] = []
    let bytes = 0
    for await (const placed of this.#latest(author, from, to)) {
      for (const segment of placed) {
        segments.push(segment.bytes)
        bytes += segment.bytes.length
        expected = segment.last + 1
        // Told as soon as one more might not fit, and not only when it was read: who hears it may want no more.
        if (bytes + SEGMENT_BYTES_MAX <= bytesMax) continue
        yield { segments, last: expected - 1 }
        segments = []
        bytes = 0
      }
    }
    if (segments.length > 0) yield { segments, last: expected - 1 }
    if (expected < to) this.#onHole(author, expected)
  }

  /** Looks at what the disk holds of a log up to `seq` for a hole. */
  async inspect(author: AuthorId, seq: Seq): Promise<void> {
    let expected = 1
    for await (const placed of this.#stored(author, 1, seq + 1)) expected = (placed.at(-1)?.last ?? 0) + 1
    if (expected <= seq) this.#onHole(author, expected)
  }

  /** Rows of segments were stored at the end of a log. */
  remember(author: AuthorId, writes: readonly Write[]): void {
    this.#recent.add(author, writtenSegments(writes))
  }

  /** What is on disk of a log, or of all, may be another than was stored last. */
  forget(author?: AuthorId): void {
    if (author === undefined) this.#recent.forgetAll()
    else this.#recent.forget(author)
  }

  /** The segment that holds the entry at `seq`, if it is whole. */
  async segmentAt(author: AuthorId, seq: Seq): Promise<Segment | undefined> {
    for await (const page of this.#rows(author, seq, seq + 1)) {
      for (const row of page) {
        const segment = storedSegment(row)
        if (segment !== undefined && segment.first <= seq && lastOf(segment) >= seq) return segment
      }
    }
    return undefined
  }

  /** Writes that join the small segments of a log before `to`, each under the last signature that is in it. */
  async merged(author: AuthorId, from: Seq, to: Seq): Promise<Write[]> {
    const key = keyOf(author)
    if (key === undefined) return []
    const writes: Write[] = []
    let joined: Segment[] = []
    let size = 0
    const flush = (): void => {
      const [start] = joined
      const end = joined.at(-1)
      if (start !== undefined && end !== undefined && joined.length > 1) {
        for (const { first } of joined.slice(1)) writes.push({ type: 'del', key: segmentKey(key, first) })
        const segment = { ...start, entries: joined.flatMap(({ entries }) => entries), signature: end.signature }
        writes.push(segmentRow(segment))
      }
      joined = []
      size = 0
    }
    let expected: Seq | undefined
    for await (const page of this.#rows(author, from, to)) {
      for (const row of page) {
        const segment = storedSegment(row)
        if (segment === undefined || (expected !== undefined && segment.first !== expected)) return []
        const bytes = bytesOf(segment.entries)
        if (size + bytes > SEGMENT_ENTRIES_BYTES_MAX) flush()
        joined.push(segment)
        size += bytes
        expected = lastOf(segment) + 1
      }
    }
    flush()
    return writes
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

  /** Looks at every segment of a log: its chain, and its signatures. The faults that it has, with their places. */
  async verify(
    author: AuthorId,
    proof?: ForkProof,
  ): Promise<{ readonly last: Seq; readonly fault: string | undefined }> {
    const key = keyOf(author)
    if (key === undefined) return { last: 0, fault: 'it has no key' }
    const log = { room: this.#room, key }
    let chain = chainStart(log)
    let at: At = EARLIEST
    let last = 0
    for await (const page of this.#store.pages(segmentRange(key, 0, PLACES_END))) {
      for (const row of page) {
        const segment = storedSegment(row)
        if (segment === undefined) return { last, fault: `what is stored at entry ${last + 1} is damaged` }
        if (segment.first > last + 1) return { last, fault: `entries ${last + 1} to ${segment.first - 1} are missing` }
        if (lastOf(segment) <= last) continue // stored again in a longer one
        if (segment.first === last + 1 && Buffer.compare(segment.before, chain) !== 0) {
          return { last, fault: `entry ${segment.first} does not continue the chain` }
        }
        chain = chainAfter(segment.before, segment.entries)
        if (!isProven(segment, proof) && !isVouchedFor(log, lastOf(segment), chain, segment.signature)) {
          return {
            last,
            fault: `the signature at entry ${lastOf(segment)} does not vouch for the entries from ${segment.first} on`,
          }
        }
        for (const [index, entry] of segment.entries.entries()) {
          if (segment.first + index <= last) continue
          const next = claimedAt(entry)
          if (next === undefined || next <= at) return { last, fault: `entry ${segment.first + index} is out of order` }
          at = next
        }
        last = lastOf(segment)
      }
    }
    return { last, fault: undefined }
  }

  /**
   * Whole segments that continue each other from the one that holds `from` on, a page at a time. Where one is not found it is
   * looked up once more: it may have been joined to the one before it since the reading began.
   */
  async *#stored(author: AuthorId, from: Seq, to: Seq): AsyncGenerator<readonly PlacedSegment[]> {
    let expected = from
    for (let start = 0; start < expected && expected < to; ) {
      start = expected
      for await (const page of this.#rows(author, start, to)) {
        const placed: PlacedSegment[] = []
        let isWhole = true
        for (const row of page) {
          const segment = placedSegment(row)
          isWhole = segment !== undefined && segment.first <= expected
          if (segment === undefined || !isWhole) break
          if (segment.last < expected) continue
          expected = segment.last + 1
          placed.push(segment)
        }
        if (placed.length > 0) yield placed
        if (!isWhole) break
      }
    }
  }

  /** The same, from memory where they were stored last. */
  async *#latest(author: AuthorId, from: Seq, to: Seq): AsyncGenerator<readonly PlacedSegment[]> {
    let expected = from
    while (expected < to) {
      const recent = this.#recent.at(author, expected)
      if (recent === undefined) break
      expected = recent.last + 1
      yield [recent]
    }
    if (expected < to) yield* this.#stored(author, expected, to)
  }

  /** The rows of segments from the one that holds `from` on. */
  async *#rows(author: AuthorId, from: Seq, to: Seq): AsyncGenerator<readonly Row[]> {
    const key = keyOf(author)
    if (key === undefined) return
    // Who goes on where he stopped asks for the first entry of a segment: then it need not be looked up.
    let start: Seq | undefined = from
    for (let gone: Seq | undefined; ; ) {
      let isThere = start === undefined
      for await (const page of this.#store.pages(segmentRange(key, start ?? from, to))) {
        isThere ||= page[0] !== undefined && placeOf(page[0][0]) === start
        if (!isThere) break
        yield page
      }
      if (isThere || start === gone) return
      gone = start // joined to the one before it since it was looked up: look again
      start = await this.#startOf(key, from)
    }
  }

  /** Where the last segment begins that begins at `from` or before. */
  async #startOf(key: Uint8Array, from: Seq): Promise<Seq | undefined> {
    for await (const [row] of this.#store.keys({ ...segmentRange(key, 0, from + 1), reverse: true, limit: 1 })) {
      if (row !== undefined) return placeOf(row)
    }
    return undefined
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

  /** The saved head where the last segment agrees with it; else what the segments say. */
  async #trueHead(author: AuthorId, saved: SignedHead | undefined): Promise<SignedHead | undefined> {
    const key = keyOf(author)
    if (key === undefined) return undefined
    let last: Segment | undefined
    for await (const [row] of this.#store.pages({ ...segmentRange(key, 0, PLACES_END), reverse: true, limit: 1 })) {
      last = row === undefined ? undefined : storedSegment(row)
    }
    if (saved !== undefined && last !== undefined && isHeadOf(last, saved)) return saved
    return this.headBefore(author, PLACES_END)
  }

  /**
   * The head that the segments give before `end`, as far as they are whole and continue each other. What stands behind it
   * stays until `replaced` takes it away.
   */
  async headBefore(author: AuthorId, end: Seq): Promise<SignedHead | undefined> {
    const key = keyOf(author)
    if (key === undefined) return undefined
    const head = await this.#headBefore(author, key, end)
    const behind: Seq[] = []
    for await (const rows of this.#store.keys(segmentRange(key, (head?.seq ?? 0) + 1, PLACES_END)))
      behind.push(...rows.map(placeOf))
    if (behind.length > 0) this.#behind.set(author, behind)
    else this.#behind.delete(author)
    return head
  }

  /** Moves the clock behind new entries, so that what answers them stands behind them. */
  observe(plan: Pick<SignedPlan, 'head' | 'entries'>): void {
    const last = plan.head?.last ?? EARLIEST
    if (this.#clock.isBelievable(last)) this.#clock.observe(last)
    else this.#clock.observe(plan.entries.findLast(({ at }) => this.#clock.isBelievable(at))?.at ?? EARLIEST)
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

  async #headBefore(author: AuthorId, key: Uint8Array, end: Seq): Promise<SignedHead | undefined> {
    let chain = chainStart({ room: this.#room, key })
    let head: SignedHead | undefined
    let size = 0
    for await (const page of this.#store.pages(segmentRange(key, 0, PLACES_END))) {
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
        const first = head?.first ?? claimedAt(segment.entries[0] as Uint8Array)
        const last = claimedAt(segment.entries.at(-1) as Uint8Array)
        if (first === undefined || last === undefined) return head
        size += bytesOf(segment.entries)
        head = { author, seq: lastOf(segment), chain, first, last, size }
      }
    }
    return head
  }
}

const placeOf = (key: Uint8Array): Seq =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).readUInt32BE(key.length - 4)

/** Whether a head is true to the last segment of its log. */
const isHeadOf = (segment: Segment, { seq, chain, last }: SignedHead): boolean =>
  lastOf(segment) === seq &&
  claimedAt(segment.entries.at(-1) as Uint8Array) === last &&
  sameBytes(chainAfter(segment.before, segment.entries), chain)

/** Whether a proof vouches for a segment below its place. What stands behind that is disputed, and may have been cut. */
function isProven(segment: Segment, proof: ForkProof | undefined): boolean {
  if (proof === undefined || lastOf(segment) + 1 < proof.place || !sameBytes(segment.signature, NO_SIGNATURE))
    return false
  const below = segment.entries.slice(0, Math.max(0, proof.place - segment.first))
  return segment.first > proof.place || sameBytes(chainAfter(segment.before, below), proof.chain)
}
