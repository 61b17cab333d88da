import { type AuthorId, keyOf, type Seq } from '../format/author.js'
import type { Entry } from '../format/entry.js'
import {
  decodeSegment,
  ENTRIES_AT,
  joinSegments,
  lastOf,
  placesOf,
  SEGMENT_ENTRIES_BYTES_MAX,
  type Segment,
} from '../format/segment.js'
import {
  entriesOf,
  placedSegment,
  placeOf,
  segmentKey,
  segmentRange,
  segmentWrite,
  storedSegment,
  writtenSegments,
} from '../format/segment-rows.js'
import { SEGMENT_BYTES_MAX } from '../limits.js'
import { type PlacedSegment, SegmentCache } from './segment-cache.js'
import type { Row, Store, Write } from './store.js'
import type { OnHole } from './unsigned-store.js'

/** Stored segments as they are sent, with the last place of the last. */
export interface RawSegments {
  readonly segments: readonly Uint8Array[]
  readonly last: Seq
}

/** The logs of signed authors, kept as segments. PROTOCOL.md §4.2. */
export class SegmentStore {
  readonly #store: Store
  readonly #onHole: OnHole
  readonly #recent = new SegmentCache()

  constructor(store: Store, onHole: OnHole) {
    this.#store = store
    this.#onHole = onHole
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

  /**
   * The segments that hold the entries with `from ≤ seq < to`, as they are stored, or joined where they are small; the first may
   * begin before `from`.
   */
  async *raw(author: AuthorId, from: Seq, to: Seq, bytesMax: number): AsyncGenerator<RawSegments> {
    let expected = from
    let segments: Uint8Array[] = []
    let bytes = 0
    for await (const placed of this.#latest(author, from, to)) {
      for (const group of joinable(placed)) {
        const segment = joinSegments(group.map(each => each.bytes))
        segments.push(segment)
        bytes += segment.length
        expected = placesOf(segment).last + 1
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
    const segments: PlacedSegment[] = []
    for await (const page of this.#rows(author, from, to)) {
      for (const row of page) {
        const segment = placedSegment(row)
        const before = segments.at(-1)
        if (segment === undefined || (before !== undefined && segment.first !== before.last + 1)) return []
        segments.push(segment)
      }
    }
    const writes: Write[] = []
    for (const group of joinable(segments)) {
      const [start, ...others] = group
      if (start === undefined || others.length === 0) continue
      for (const { first } of others) writes.push({ type: 'del', key: segmentKey(key, first) })
      writes.push(segmentWrite(key, start.first, joinSegments(group.map(({ bytes }) => bytes))))
    }
    return writes
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
      const recent = this.#recent.page(author, expected, to)
      const last = recent.at(-1)?.last
      if (last === undefined) break
      expected = last + 1
      yield recent
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
}

/** Segments in order, in groups of such as continue each other and fit in one. */
function joinable(segments: readonly PlacedSegment[]): PlacedSegment[][] {
  const groups: PlacedSegment[][] = []
  let size = 0
  for (const segment of segments) {
    const length = segment.bytes.length - ENTRIES_AT
    const group = groups.at(-1)
    size += length
    if (group?.at(-1)?.last === segment.first - 1 && size <= SEGMENT_ENTRIES_BYTES_MAX) group.push(segment)
    else {
      groups.push([segment])
      size = length
    }
  }
  return groups
}
