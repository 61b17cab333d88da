import { sameBytes } from '../../base/wire/bytes.js'
import type { LogCore } from '../core.js'
import { isSigned, type LogId, logKeyOf, type Seq } from '../format/author.js'
import { isContentOf, stubsOf } from '../format/chain.js'
import { contentOf, isControlEntry, packedHlc, validHlc } from '../format/entry.js'
import { EARLIEST, type Hlc } from '../format/hybrid-clock.js'
import { isStub, STUB_BYTES, stubsIn } from '../format/packed.js'
import { type PlaceRange, Places } from '../format/places.js'
import { encodeSegment, lastOf, packedOf, type Segment } from '../format/segment.js'
import { segmentRange, segmentsOfAuthor, segmentWrite } from '../format/segment-rows.js'
import { SEGMENT_BYTES_MAX, SEQ_MAX } from '../limits.js'
import { CRC_BYTES } from '../store/checked-row.js'
import type { Write } from '../store/store.js'
import {
  contentKeySeq,
  contentRange,
  contentsOfAuthor,
  contentWrite,
  DROP_REASONS,
  type DropReason,
  droppedDelete,
  droppedWrite,
} from './gap-rows.js'
import { GAPS_MAX } from './gaps.js'
import { countBefore, isAllGiven } from './given.js'

/** Size of the rows that one commit rewrites. */
const REWRITTEN_BYTES_MAX = 1024 * 1024

/** Contents of consecutive places, as a peer sent them: packed entries, with stubs where it has none. */
export interface ContentRun {
  readonly first: Seq
  readonly entries: readonly Uint8Array[]
}

/** A place as `weigh` finds it. */
interface WeighedPlace {
  readonly at: Hlc
  /** Bytes that dropping its content would free. 0 for a place without content, and for a control entry, which is never dropped. */
  readonly bytes: number
  readonly isControl: boolean
}

export interface WeighedSegment {
  readonly first: Seq
  readonly places: readonly WeighedPlace[]
}

/**
 * Adds content to places that have none, and drops content. Added content is stored in rows of its own, outside of its segment: the segment
 * could become too long with it, and cannot be split, because only its end is signed. docs/protocol/logs.md §3.8.
 */
export class Contents {
  readonly #core: LogCore

  constructor(core: LogCore) {
    this.#core = core
  }

  /** Stores contents that belong to stubs; skips all others. Returns how many are stored. Rejects if the disk fails. */
  async add(log: LogId, { first, entries }: ContentRun): Promise<number> {
    const { gaps } = this.#core
    if (gaps.of(log)?.mayMiss(first, first + entries.length) !== true) return 0
    if (!entries.some(entry => !isStub(entry))) return 0
    return this.#core.rewrites.run(() => this.#add(log, first, entries))
  }

  /** Drops the content of places from every file, except for control entries. Resolves when no file contains it. */
  async drop(log: LogId, places: readonly PlaceRange[], reason: DropReason): Promise<void> {
    const { gaps, own, frontier, queue, mark, store, events, blocks } = this.#core
    if (!isSigned(log)) return
    const end = own.isOurs(log) ? frontier.persisted(log) + 1 : SEQ_MAX
    const ranges = places.map(({ from, to }) => ({ from, to: Math.min(to, end) }))
    const valid = ranges.filter(({ from, to }) => from >= 1 && from < to)
    if (valid.length === 0) return
    if (own.isOurs(log)) await own.settled()
    await this.#core.rewrites.run(async () => {
      await queue.write([])
      const found = gaps.open(log)
      for (const { from, to } of valid) {
        // Adjacent ranges share one row.
        const replaced = found.dropped[reason].touching(from, to)
        found.drop({ from, to, reason })
        await queue.write([
          ...replaced.map(({ from }) => droppedDelete(log, reason, from)),
          ...found.dropped[reason]
            .touching(from, to)
            .map(range => droppedWrite(log, { ...range, reason, isDone: false })),
          gaps.write(log),
        ])
        await this.#rewrite(log, { from, to })
      }
      if (reason === 'deleted') {
        if (own.isOurs(log)) await mark?.forgetBatch?.()
        await store.compact?.(segmentsOfAuthor(log))
        await store.compact?.(contentsOfAuthor(log))
        await store.compact?.(blocks.rangeOf(log))
      } else await this.#compact(log, valid)
      const done = new Places(valid.flatMap(({ from, to }) => found.dropped[reason].touching(from, to)))
      await queue.write(done.ranges.map(range => droppedWrite(log, { ...range, reason, isDone: true })))
    })
    events.emit('gaps', log)
  }

  /** Marks dropped content as missing, so that it is requested from peers again and stored. */
  async restore(log: LogId, places: readonly PlaceRange[], reason: DropReason): Promise<void> {
    const { gaps, queue, events } = this.#core
    await this.#core.rewrites.run(async () => {
      const found = gaps.of(log)
      if (found === undefined) return
      await queue.write([])
      const dropped = found.dropped[reason]
      const before = new Places(places.flatMap(({ from, to }) => dropped.touching(from, to))).ranges
      if (found.restore(places, reason).length === 0) return
      const after = before.flatMap(({ from, to }) => dropped.within(from, to))
      await queue.write([
        ...before.map(({ from }) => droppedDelete(log, reason, from)),
        ...after.map(range => droppedWrite(log, { ...range, reason, isDone: true })),
        gaps.write(log),
      ])
    })
    events.emit('gaps', log)
  }

  /**
   * Marks the missing content of a segment as not given if it is dated before the date from which peers give us content. Returns the rows
   * to write.
   */
  notGiven(log: LogId, { first, entries }: ContentRun): Write[] {
    const { gaps, own, givenFrom } = this.#core
    const from = givenFrom()
    if (isAllGiven(log, own.person, from)) return []
    return gaps.open(log).notGiven(log, { from: first, to: first + countBefore(entries, from) })
  }

  /** The date from which peers give us content changed: requests missing content from this date on, and stops requesting older content. */
  async givenChanged(): Promise<void> {
    const { gaps, own, queue, givenFrom } = this.#core
    const from = givenFrom()
    for (const log of [...gaps.logs]) {
      const lifted = new Places(gaps.of(log)?.dropped['not-given'].ranges)
      if (!isAllGiven(log, own.person, from))
        for await (const { first, entries } of this.#segments(log, lifted.ranges[0]?.from ?? SEQ_MAX))
          lifted.remove(first, first + countBefore(entries, from))
      if (!lifted.isEmpty) await this.restore(log, lifted.ranges, 'not-given')
      if (gaps.of(log)?.missing.isEmpty !== false) continue
      await this.#core.rewrites.run(async () => {
        await queue.write([])
        const writes: Write[] = []
        for await (const segment of this.#segments(log, 1)) writes.push(...this.notGiven(log, segment))
        if (writes.length > 0) await queue.write([...writes, gaps.write(log)])
      })
      this.#core.events.emit('gaps', log)
    }
  }

  /** Yields the date and the droppable bytes of every place of each stored segment, starting with the segment that contains `from`. */
  async *weigh(log: LogId, from: Seq): AsyncGenerator<WeighedSegment> {
    for await (const segment of this.#segments(log, from)) {
      const apart = await this.#core.segments.contents(log, segment)
      const places = segment.entries.map((stored, index): WeighedPlace => {
        const packed = apart.get(segment.first + index) ?? stored
        const bytes = isControlEntry(packed) || isStub(packed) ? 0 : packed.length - STUB_BYTES
        return { at: packedHlc(packed) ?? EARLIEST, bytes, isControl: isControlEntry(packed) }
      })
      yield { first: segment.first, places }
    }
  }

  /** Once all known ranges of missing content are filled, looks for more after them. */
  async findMore(log: LogId): Promise<void> {
    const { gaps, queue } = this.#core
    const isNeeded = (): boolean => gaps.of(log)?.missing.isEmpty === true && gaps.of(log)?.restFrom !== undefined
    if (!isNeeded()) return
    await this.#core.rewrites.run(async () => {
      const found = gaps.of(log)
      const from = found?.restFrom
      if (found === undefined || from === undefined || !isNeeded()) return
      await queue.write([])
      found.restFrom = undefined
      if (from === 1) found.hasContents = await this.#hasContents(log)
      for await (const segment of this.#segments(log, from)) {
        const stubs = stubsIn(packedOf(segment), segment.first)
        if (stubs.all.length === 0) continue
        const stored = await this.#core.segments.contents(log, segment)
        const without = (places: readonly PlaceRange[]): readonly PlaceRange[] => {
          const missing = new Places(places.map(range => ({ ...range, from: Math.max(range.from, from) })))
          for (const seq of stored.keys()) missing.remove(seq, seq + 1)
          return missing.ranges
        }
        found.add({ all: without(stubs.all), controls: without(stubs.controls) })
        await queue.write(this.notGiven(log, segment))
        if (found.missing.ranges.length >= GAPS_MAX) {
          found.restFrom = Math.min(found.restFrom ?? lastOf(segment) + 1, lastOf(segment) + 1)
          break
        }
      }
      await queue.write([gaps.write(log)])
    })
    this.#core.events.emit('gaps', log)
  }

  /**
   * The packed entries with `from ≤ seq < to`, for a peer that requests their contents. Ends with the first stored segment. Places without
   * content on this disk are stubs.
   */
  async read(log: LogId, { from, to }: PlaceRange): Promise<readonly Uint8Array[]> {
    if (from < 1 || from > this.#core.frontier.persisted(log)) return []
    const segment = await this.#core.segments.segmentAt(log, from)
    if (segment === undefined) return []
    const stored = await this.#core.segments.contents(log, segment)
    const entries: Uint8Array[] = []
    let bytes = 0
    for (let seq = from; seq < Math.min(to, lastOf(segment) + 1); seq++) {
      const entry = stored.get(seq) ?? (segment.entries[seq - segment.first] as Uint8Array)
      bytes += entry.length
      if (bytes > SEGMENT_BYTES_MAX) break
      entries.push(entry)
    }
    return entries
  }

  /** The entries of a log from a fork on were moved to a branch: moves their gaps and contents there too. */
  async moved(
    log: LogId,
    branch: LogId,
    forkedAt: Seq,
    write: (writes: readonly Write[]) => Promise<void>,
  ): Promise<void> {
    const { gaps, store, blocks } = this.#core
    await write(await blocks.outdated(log, forkedAt, SEQ_MAX))
    const before = gaps.of(log)
    if (before === undefined) return
    const after = gaps.open(branch)
    const there = ({ from, to }: PlaceRange): PlaceRange => ({ from: from - forkedAt + 1, to: to - forkedAt + 1 })
    const writes: Write[] = []
    for (const reason of DROP_REASONS) {
      for (const { from, to } of before.dropped[reason].touching(forkedAt + 1, SEQ_MAX)) {
        writes.push(
          from < forkedAt
            ? droppedWrite(log, { from, to: forkedAt, reason, isDone: true })
            : droppedDelete(log, reason, from),
        )
        const moved = { ...there({ from: Math.max(from, forkedAt), to }), reason }
        writes.push(droppedWrite(branch, { ...moved, isDone: true }))
        after.drop(moved)
      }
      before.dropped[reason].remove(forkedAt, SEQ_MAX)
    }
    const rest = before.restFrom
    if (rest !== undefined) {
      after.restFrom = Math.max(1, rest - forkedAt + 1)
      if (rest >= forkedAt) before.restFrom = undefined
    }
    after.hasContents ||= before.hasContents
    after.add({
      all: before.missing.within(forkedAt, SEQ_MAX).map(there),
      controls: before.controls.within(forkedAt, SEQ_MAX).map(there),
    })
    before.remove(forkedAt, SEQ_MAX)
    if (before.hasContents) {
      for await (const page of store.pages(contentRange(log, { from: forkedAt, to: SEQ_MAX }))) {
        for (const [key, value] of page) {
          const seq = contentKeySeq(key) - forkedAt + 1
          writes.push({ type: 'del', key }, contentWrite(branch, seq, value.subarray(CRC_BYTES)))
        }
      }
    }
    writes.push(gaps.write(log), gaps.write(branch))
    await write(writes)
  }

  /** The log now ends at `last`: forgets the gaps and contents after it. */
  async shortened(log: LogId, last: Seq): Promise<void> {
    const { gaps, queue, store, blocks } = this.#core
    await queue.write(await blocks.outdated(log, last + 1, SEQ_MAX))
    const found = gaps.of(log)
    if (found === undefined) return
    found.remove(last + 1, Number.POSITIVE_INFINITY)
    if (found.restFrom !== undefined && found.restFrom > last) found.restFrom = undefined
    const range = contentRange(log, { from: last + 1, to: SEQ_MAX })
    if (found.hasContents)
      for await (const page of store.keys(range)) await queue.write(page.map(key => ({ type: 'del', key })))
    await queue.write(last === 0 ? gaps.forget(log) : [gaps.write(log)])
  }

  async #add(log: LogId, first: Seq, entries: readonly Uint8Array[]): Promise<number> {
    const { gaps, queue, frontier, own, quota, announcer } = this.#core
    const found = gaps.of(log)
    if (found === undefined) return 0
    await queue.write([]) // content is added only to stubs on disk
    const size = frontier.pendingHead(log)?.size ?? 0
    const admission = own.isOurs(log) ? undefined : quota?.admit(log, size, undefined)
    if (admission !== undefined && admission.kind !== 'stored') return 0
    const room = (admission?.bytesMax ?? Number.POSITIVE_INFINITY) - size
    const filled = new Places()
    const writes: Write[] = []
    let bytes = 0
    for await (const segment of this.#segments(log, first, first + entries.length)) {
      for (const range of found.missing.within(Math.max(first, segment.first), lastOf(segment) + 1)) {
        for (let seq = range.from; seq < Math.min(range.to, first + entries.length); seq++) {
          const stub = segment.entries[seq - segment.first] as Uint8Array
          const entry = entries[seq - first] as Uint8Array
          if (!isStub(stub))
            found.remove(seq, seq + 1) // stored with its content since the request
          else if (bytes + entry.length - STUB_BYTES <= room && isValidContent(stub, entry)) {
            writes.push(contentWrite(log, seq, entry))
            filled.add(seq, seq + 1)
            bytes += entry.length - STUB_BYTES
          }
        }
      }
    }
    if (writes.length === 0) return 0
    for (const { from, to } of filled.ranges) {
      found.remove(from, to)
      writes.push(...(await this.#core.blocks.outdated(log, from, to)))
    }
    found.hasContents = true
    writes.push(gaps.write(log))
    const head = frontier.resized(log, bytes)
    if (!own.isOurs(log)) quota?.resized(log, size + bytes)
    await queue.write(writes, head)
    announcer.filled(log, filled.ranges)
    return filled.count
  }

  /** Replaces contents in the rows of a log by stubs. */
  async #rewrite(log: LogId, { from, to }: PlaceRange): Promise<void> {
    const { queue, segments, store, frontier, own, quota, blocks } = this.#core
    const key = logKeyOf(log)
    if (key === undefined) return
    let writes: Write[] = []
    let [rewritten, freed] = [0, 0]
    const flush = async (): Promise<void> => {
      if (!own.isOurs(log)) quota?.resized(log, Math.max(0, (frontier.pendingHead(log)?.size ?? 0) - freed))
      await queue.write(writes, own.isOurs(log) ? undefined : frontier.resized(log, -freed))
      writes = []
      rewritten = freed = 0
    }
    for await (const segment of this.#segments(log, from, to)) {
      const entries = segment.entries.map((entry, index) => {
        const seq = segment.first + index
        return seq < from || seq >= to || isControlEntry(entry) ? entry : (stubsOf([entry])[0] as Uint8Array)
      })
      const bytes = encodeSegment({ ...segment, entries })
      if (sameBytes(bytes, encodeSegment(segment))) continue
      freed += packedOf(segment).bytes.length - packedOf({ entries }).bytes.length
      writes.push(segmentWrite(key, segment.first, bytes))
      rewritten += bytes.length
      if (rewritten >= REWRITTEN_BYTES_MAX) await flush()
    }
    for await (const page of store.pages(contentRange(log, { from, to })))
      for (const [row, value] of page) {
        if (isControlEntry(value.subarray(CRC_BYTES))) continue
        freed += value.length - CRC_BYTES - STUB_BYTES
        writes.push({ type: 'del', key: row })
      }
    writes.push(...(await blocks.outdated(log, from, to)))
    await flush()
    segments.forget(log)
  }

  /** Rewrites the files with these places, to free their disk space. */
  async #compact(log: LogId, places: readonly PlaceRange[]): Promise<void> {
    const key = logKeyOf(log)
    const { store } = this.#core
    if (key === undefined || store.compact === undefined) return
    const from = Math.min(...places.map(range => range.from))
    const to = Math.max(...places.map(range => range.to))
    const first = (await this.#core.segments.segmentAt(log, from))?.first ?? from
    await store.compact(segmentRange(key, first, to))
    if (this.#core.gaps.of(log)?.hasContents === true) await store.compact(contentRange(log, { from, to }))
  }

  /** The stored segments of a log with places from `from` on, before `to`. */
  #segments(log: LogId, from: Seq, to: Seq = SEQ_MAX): AsyncGenerator<Segment> {
    return this.#core.segments.decoded(log, from, Math.min(to, this.#core.frontier.persisted(log) + 1))
  }

  async #hasContents(log: LogId): Promise<boolean> {
    const range = contentRange(log, { from: 0, to: SEQ_MAX })
    for await (const page of this.#core.store.keys({ ...range, limit: 1 })) if (page.length > 0) return true
    return false
  }
}

function isValidContent(stub: Uint8Array, packed: Uint8Array): boolean {
  const content = contentOf(packed)
  return content !== undefined && validHlc(content.entry, EARLIEST) !== undefined && isContentOf(stub, packed)
}
