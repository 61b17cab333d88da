import { EMPTY } from '../../base/wire/bytes.js'
import { contentIn, contentRange } from '../content/gap-rows.js'
import type { Gaps } from '../content/gaps.js'
import { type LogId, logKeyOf, type Seq } from '../format/author.js'
import { type ChainValue, chainAfter } from '../format/chain.js'
import { contentOf, type Entry, packedHlc } from '../format/entry.js'
import { addGap } from '../format/gap.js'
import { EARLIEST } from '../format/hybrid-clock.js'
import { JoinedSegment } from '../format/joined-segment.js'
import { countOf, decodeSegment, encodeSegment, lastOf, type Segment } from '../format/segment.js'
import {
  encodedSegmentIn,
  entriesOf,
  firstSeqIn,
  segmentKey,
  segmentRange,
  segmentWrite,
  storedSegment,
  writtenSegments,
} from '../format/segment-rows.js'
import { SEGMENT_BYTES_MAX } from '../limits.js'
import { type EncodedSegment, SegmentCache } from './segment-cache.js'
import type { Row, Store, Write } from './store.js'
import type { OnGap } from './unsigned-store.js'

/** An encoded segment, and the last seq in it. */
export interface RawSegment {
  readonly segment: Uint8Array
  readonly last: Seq
}

/** The logs of signed authors, stored as segments. docs/protocol/storage.md §4.2. */
export class SegmentStore {
  readonly #store: Store
  readonly #onGap: OnGap
  readonly #gaps: Gaps
  readonly #cache = new SegmentCache()

  constructor(store: Store, onGap: OnGap, gaps: Gaps) {
    this.#store = store
    this.#onGap = onGap
    this.#gaps = gaps
  }

  /**
   * Entries with `from ≤ seq < to`, in order; places without content as entries with a `gap`. Stops before a missing or damaged
   * entry and reports it. With `mayUseCache`, damage to recently stored rows goes unnoticed.
   */
  async *read(author: LogId, from: Seq, to: Seq, mayUseCache = false): AsyncGenerator<readonly Entry[]> {
    let expected = from
    for await (const page of mayUseCache ? this.#latest(author, from, to) : this.#stored(author, from, to)) {
      for (const { bytes } of page) {
        const segment = decodeSegment(bytes)
        if (segment === undefined) break
        const entries = this.#entriesOf(author, segment, expected, to)
        expected = Math.min(to, lastOf(segment) + 1)
        yield Array.isArray(entries) ? entries : await entries
      }
    }
    if (expected < to) this.#onGap(author, expected)
  }

  /** Like `read`, in reverse. */
  async *readBack(author: LogId, from: Seq, to: Seq): AsyncGenerator<readonly Entry[]> {
    const key = logKeyOf(author)
    if (key === undefined) return
    let expected = to - 1
    for await (const page of this.#store.pages({ ...segmentRange(key, 0, to), reverse: true })) {
      for (const row of page) {
        if (expected < from) return
        const segment = storedSegment(row)
        if (segment === undefined || lastOf(segment) < expected) break
        const entries = await this.#entriesOf(author, segment, from, expected + 1)
        expected = segment.first - 1
        yield entries.toReversed()
      }
    }
    if (expected >= from) this.#onGap(author, expected)
  }

  /**
   * The segments with the entries `from ≤ seq < to`, one by one. Adjacent small segments are joined, up to the size of a segment. The first
   * may begin before `from`.
   */
  async *raw(author: LogId, from: Seq, to: Seq): AsyncGenerator<RawSegment> {
    let expected = from
    let joined: JoinedSegment | undefined
    for await (const page of this.#latest(author, from, to)) {
      for (const stored of page) {
        expected = stored.last + 1
        const hasContents = this.#gaps.of(author)?.hasContents === true
        const segment = hasContents ? await this.#withContents(author, stored) : stored
        if (joined?.add(segment)) continue
        if (joined !== undefined) yield rawOf(joined)
        joined = new JoinedSegment(segment)
      }
    }
    if (joined !== undefined) yield rawOf(joined)
    if (expected < to) this.#onGap(author, expected)
  }

  /**
   * The stored segments with the entries `from ≤ seq < to`, up to the first gap. They lack contents that are stored outside of their
   * segments.
   */
  async *decoded(author: LogId, from: Seq, to: Seq): AsyncGenerator<Segment> {
    for await (const page of this.#stored(author, from, to)) {
      for (const { bytes } of page) {
        const segment = decodeSegment(bytes)
        if (segment !== undefined) yield segment
      }
    }
  }

  /** The packed entries of a segment that are stored outside of it, by seq. */
  async contents(author: LogId, segment: Segment): Promise<ReadonlyMap<Seq, Uint8Array>> {
    const contents = new Map<Seq, Uint8Array>()
    if (this.#gaps.of(author)?.hasContents !== true) return contents
    const range = contentRange(author, { from: segment.first, to: lastOf(segment) + 1 })
    for await (const page of this.#store.pages(range)) {
      for (const row of page) {
        const content = contentIn(row)
        if (content !== undefined) contents.set(content.seq, content.packed)
      }
    }
    return contents
  }

  /** The entries of a segment with `from ≤ seq < to`. */
  #entriesOf(author: LogId, segment: Segment, from: Seq, to: Seq): Entry[] | Promise<Entry[]> {
    const entries = entriesOf(author, segment)
    if (entries.length < countOf(segment)) return this.#entriesAndGaps(author, segment, from, to)
    return entries.filter(({ seq }) => seq >= from && seq < to)
  }

  async #entriesAndGaps(author: LogId, segment: Segment, from: Seq, to: Seq): Promise<Entry[]> {
    const contents = await this.contents(author, segment)
    const entries: Entry[] = []
    for (let seq = Math.max(from, segment.first); seq < Math.min(to, lastOf(segment) + 1); seq++) {
      const packed = contents.get(seq) ?? (segment.entries[seq - segment.first] as Uint8Array)
      const at = packedHlc(packed) ?? EARLIEST
      const content = contentOf(packed)
      if (content === undefined) {
        addGap(entries, { author, seq, at, entry: EMPTY, gap: { count: 1, state: this.#gaps.stateOf(author, seq) } })
        continue
      }
      const isLast = seq === lastOf(segment)
      entries.push({ author, seq, at, ...content, ...(isLast && { signature: segment.signature }) })
    }
    return entries
  }

  /** A segment with its contents that are stored outside of it, as many as fit. */
  async #withContents(author: LogId, encoded: EncodedSegment): Promise<EncodedSegment> {
    const segment = decodeSegment(encoded.bytes)
    const contents = segment === undefined ? undefined : await this.contents(author, segment)
    if (segment === undefined || contents === undefined || contents.size === 0) return encoded
    let size = encoded.bytes.length
    const entries = segment.entries.map((entry, index) => {
      const content = contents.get(segment.first + index)
      if (content === undefined || size + content.length - entry.length > SEGMENT_BYTES_MAX) return entry
      size += content.length - entry.length
      return content
    })
    return { ...encoded, bytes: encodeSegment({ ...segment, entries }) }
  }

  /** Checks the rows of a log up to `seq`, and reports the first missing or damaged entry. */
  async inspect(author: LogId, seq: Seq): Promise<void> {
    let expected = 1
    for await (const page of this.#stored(author, 1, seq + 1)) expected = (page.at(-1)?.last ?? 0) + 1
    if (expected <= seq) this.#onGap(author, expected)
  }

  /** Caches segments that were just stored at the end of a log. */
  cache(author: LogId, writes: readonly Write[]): void {
    this.#cache.add(author, writtenSegments(writes))
  }

  /** Drops the cached segments of one log, or of all logs, whose rows on disk may have changed. */
  forget(author?: LogId): void {
    if (author === undefined) this.#cache.forgetAll()
    else this.#cache.forget(author)
  }

  /** The segment with the entry at `seq`; undefined if it is missing or damaged. */
  async segmentAt(author: LogId, seq: Seq): Promise<Segment | undefined> {
    for await (const page of this.#rows(author, seq, seq + 1)) {
      for (const row of page) {
        const segment = storedSegment(row)
        if (segment !== undefined && segment.first <= seq && lastOf(segment) >= seq) return segment
      }
    }
    return undefined
  }

  /** The chain value after an entry; undefined if it is missing or damaged. */
  async chainAt(author: LogId, seq: Seq): Promise<ChainValue | undefined> {
    const segment = await this.segmentAt(author, seq)
    return segment && chainAfter(segment.before, segment.entries.slice(0, seq - segment.first + 1))
  }

  /** Writes that join the small segments of a log between `from` and `to`, each under its last signature. */
  async merged(author: LogId, from: Seq, to: Seq): Promise<Write[]> {
    const key = logKeyOf(author)
    if (key === undefined) return []
    const groups: { readonly joined: JoinedSegment; readonly others: Seq[] }[] = []
    for await (const page of this.#rows(author, from, to)) {
      for (const row of page) {
        const segment = encodedSegmentIn(row)
        const group = groups.at(-1)
        if (segment === undefined || (group !== undefined && segment.first !== group.joined.last + 1)) return []
        if (group?.joined.add(segment)) group.others.push(segment.first)
        else groups.push({ joined: new JoinedSegment(segment), others: [] })
      }
    }
    const writes: Write[] = []
    for (const { joined, others } of groups) {
      if (others.length === 0) continue
      for (const first of others) writes.push({ type: 'del', key: segmentKey(key, first) })
      writes.push(segmentWrite(key, joined.first, joined.bytes))
    }
    return writes
  }

  /**
   * Intact segments without gaps, in pages, starting with the segment that contains entry `from`. A segment that is not found is looked up
   * once more, because it may have been joined to the previous segment since the read began.
   */
  async *#stored(author: LogId, from: Seq, to: Seq): AsyncGenerator<readonly EncodedSegment[]> {
    let expected = from
    for (let start = 0; start < expected && expected < to; ) {
      start = expected
      for await (const page of this.#rows(author, start, to)) {
        const intact: EncodedSegment[] = []
        let isWhole = true
        for (const row of page) {
          const segment = encodedSegmentIn(row)
          isWhole = segment !== undefined && segment.first <= expected
          if (segment === undefined || !isWhole) break
          if (segment.last < expected) continue
          expected = segment.last + 1
          intact.push(segment)
        }
        if (intact.length > 0) yield intact
        if (!isWhole || expected >= to) break // reading on would decompress a block of the next log
      }
    }
  }

  /** Like `#stored`, but from the cache where possible. */
  async *#latest(author: LogId, from: Seq, to: Seq): AsyncGenerator<readonly EncodedSegment[]> {
    let expected = from
    while (expected < to) {
      const page = this.#cache.page(author, expected, to)
      const last = page.at(-1)?.last
      if (last === undefined) break
      expected = last + 1
      yield page
    }
    if (expected < to) yield* this.#stored(author, expected, to)
  }

  /** The rows of segments, starting with the segment that contains entry `from`. */
  async *#rows(author: LogId, from: Seq, to: Seq): AsyncGenerator<readonly Row[]> {
    const key = logKeyOf(author)
    if (key === undefined) return
    // A caller that resumes a read requests the first entry of a segment, so try that key before looking up the start.
    let start: Seq | undefined = from
    for (let gone: Seq | undefined; ; ) {
      let isFound = start === undefined
      for await (const page of this.#store.pages(segmentRange(key, start ?? from, to))) {
        isFound ||= page[0] !== undefined && firstSeqIn(page[0][0]) === start
        if (!isFound) break
        yield page
      }
      if (isFound || start === gone) return
      gone = start // joined to the previous segment since the lookup: look again
      start = await this.#startOf(key, from)
    }
  }

  /** First seq of the last segment that begins at or before `from`. */
  async #startOf(key: Uint8Array, from: Seq): Promise<Seq | undefined> {
    for await (const [row] of this.#store.keys({ ...segmentRange(key, 0, from + 1), reverse: true, limit: 1 })) {
      if (row !== undefined) return firstSeqIn(row)
    }
    return undefined
  }
}

const rawOf = ({ bytes, last }: JoinedSegment): RawSegment => ({ segment: bytes, last })
