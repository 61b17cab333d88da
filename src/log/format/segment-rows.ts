import { crc32 } from 'node:zlib'
import { bufferOf, concat, EMPTY, hexOf, textOf, utf8 } from '../../base/wire/bytes.js'
import { CRC_BYTES, checked, unchecked } from '../store/checked-row.js'
import type { EncodedSegment } from '../store/segment-cache.js'
import { after, type Put, type Range, type Row, type Write } from '../store/store.js'
import {
  type AuthorId,
  keyOf,
  LOG_KEY_BYTES,
  type LogId,
  logKey,
  logKeyOf,
  logOfLogKey,
  type Run,
  type Seq,
} from './author.js'
import { CHAIN_BYTES } from './chain.js'
import { type Entry, hlcIn, storedHlc } from './entry.js'
import type { SignedHead } from './heads.js'
import { type Hlc, hlcOf } from './hybrid-clock.js'
import { entryStart, isStub, packedEnd, SALT_BYTES } from './packed.js'
import {
  decodeSegment,
  ENTRIES_AT,
  packedOf,
  rangeOf,
  type Segment,
  type SegmentHeader,
  segmentBytes,
  signatureIn,
} from './segment.js'

// Rows of signed logs in the database. docs/protocol/storage.md §4.2.

const SEGMENTS = utf8('s')
const HEADS = utf8('h')
const SEQ_BYTES = 4
const RUN_BYTES = 4

export const ALL_SIGNED_HEADS: Range = { gte: HEADS, lt: after(HEADS) }
export const ALL_SEGMENTS: Range = { gte: SEGMENTS, lt: after(SEGMENTS) }

const CURRENT_RUN = utf8('n')

/** Which run our key writes to, and how many runs each reason has opened here. */
export interface CurrentRun {
  readonly run: Run
  readonly opened: readonly number[]
}

/** The row with the run that our key writes to, written with the first entry of the run. */
export const currentRunKey = (author: AuthorId): Uint8Array => concat([CURRENT_RUN, keyOf(author) ?? EMPTY])

export function currentRunWrite(author: AuthorId, { run, opened }: CurrentRun): Put {
  const bytes = Buffer.alloc(RUN_BYTES + opened.length)
  bytes.writeUInt32BE(run)
  bytes.set(opened, RUN_BYTES)
  return { type: 'put', key: currentRunKey(author), value: checked(bytes) }
}

/** The run in a row; undefined if there is none, or it is damaged. */
export function storedRun(value: Uint8Array | undefined): CurrentRun | undefined {
  const bytes = unchecked(value ?? EMPTY)
  if (bytes === undefined || bytes.length < RUN_BYTES) return undefined
  return { run: bufferOf(bytes).readUInt32BE(), opened: [...bytes.subarray(RUN_BYTES)] }
}

/** The key of a segment's row. `log`: key ‖ u32 run. */
export function segmentKey(log: Uint8Array, first: Seq): Uint8Array {
  const seq = Buffer.alloc(SEQ_BYTES)
  seq.writeUInt32BE(first)
  return concat([SEGMENTS, log, seq])
}

/** Greater than every seq. */
export const SEQ_END = 0x1_0000_0000

/** Rows of the segments of one log whose first seq is in `from ≤ first < to`. */
export const segmentRange = (log: Uint8Array, from: Seq, to: Seq): Range => ({
  gte: segmentKey(log, from),
  lt: to >= SEQ_END ? after(concat([SEGMENTS, log])) : segmentKey(log, to),
})

/** Rows of the segments of all logs of the author of a log. */
export function segmentsOfAuthor(log: LogId): Range {
  const prefix = concat([SEGMENTS, keyOf(log) ?? EMPTY])
  return { gte: prefix, lt: after(prefix) }
}

/** First seq of the segment in a row, from the row's key. */
export const firstSeqIn = (rowKey: Uint8Array): Seq => bufferOf(rowKey).readUInt32BE(rowKey.length - SEQ_BYTES)

export const segmentKeyAuthor = (rowKey: Uint8Array): LogId => logOfLogKey(rowKey.subarray(1))

/** The row of an encoded segment. It starts with a checksum, because reads from LevelDB do not detect flipped bits. */
export function segmentWrite(log: Uint8Array, first: Seq, segment: Uint8Array): Put {
  return { type: 'put', key: segmentKey(log, first), value: checked(segment) }
}

/** The row of a segment whose packed entries are in several buffers. */
export function segmentRow(header: SegmentHeader, packed: readonly Uint8Array[]): Put {
  const value = segmentBytes(header, packed, CRC_BYTES)
  value.writeUInt32BE(crc32(value.subarray(CRC_BYTES)))
  return { type: 'put', key: segmentKey(logKey(header.key, header.run), header.first), value }
}

/** The bytes of a stored segment; undefined if the row is damaged or has the wrong key. */
export function encodedSegmentIn([key, value]: Row): EncodedSegment | undefined {
  const bytes = unchecked(value)
  if (bytes === undefined || bytes.length <= ENTRIES_AT) return undefined
  const { first, last } = rangeOf(bytes)
  return isKeyOf(key, bytes) && firstSeqIn(key) === first ? { first, last, bytes } : undefined
}

/** Whether a row's key contains the log of its segment. Compares in place, because a log may have a segment per entry. */
function isKeyOf(key: Uint8Array, segment: Uint8Array): boolean {
  if (key.length !== SEGMENTS.length + LOG_KEY_BYTES + SEQ_BYTES || key[0] !== SEGMENTS[0]) return false
  for (let i = 0; i < LOG_KEY_BYTES; i++) if (key[SEGMENTS.length + i] !== segment[i]) return false
  return true
}

/** The segments in rows that were just written. */
export const writtenSegments = (writes: readonly Write[]): EncodedSegment[] =>
  writes.flatMap(write => {
    if (write.type === 'del') return []
    const bytes = write.value.subarray(CRC_BYTES)
    return { ...rangeOf(bytes), bytes }
  })

/** A stored segment; undefined if the row is damaged or has the wrong key. */
export function storedSegment(row: Row): Segment | undefined {
  const segment = encodedSegmentIn(row)
  return segment === undefined ? undefined : decodeSegment(segment.bytes)
}

/**
 * The entries of a stored segment that have content, as views of it. Their `at`s are slices of one string, which is cheaper than decoding
 * each `at`.
 */
export function entriesOf(author: LogId, segment: Segment): Entry[] {
  const { bytes, count } = packedOf(segment)
  const text = bytes.toString('latin1')
  const entries: Entry[] = []
  for (let index = 0, offset = 0; index < count; index++) {
    const packed = offset
    offset = packedEnd(bytes, packed)
    if (isStub(bytes, packed)) continue
    const start = entryStart(bytes, packed)
    const entry = new StoredEntry(author, segment.first + index, hlcIn(text, start), bytes, start, offset)
    if (index === count - 1) Object.assign(entry, { signature: segment.signature })
    entries.push(entry)
  }
  return entries
}

/** An entry within a segment. Its salt is read on use. */
class StoredEntry implements Entry {
  readonly author: LogId
  readonly seq: Seq
  readonly at: Hlc
  readonly entry: Uint8Array
  readonly #bytes: Uint8Array
  readonly #start: number

  constructor(author: LogId, seq: Seq, at: Hlc, bytes: Uint8Array, start: number, end: number) {
    this.author = author
    this.seq = seq
    this.at = at
    this.entry = bytes.subarray(start, end)
    this.#bytes = bytes
    this.#start = start
  }

  get salt(): Uint8Array {
    return this.#bytes.subarray(this.#start - SALT_BYTES, this.#start)
  }
}

/**
 * The entries in rows of ours that were just written, created one by one. Not a generator: V8 optimised generators again and again, which
 * took 8 % of the CPU time of appending 20,000 entries.
 */
export class WrittenEntries {
  readonly #author: LogId
  readonly #rows: readonly Put[]
  #row = 0
  #bytes: Uint8Array = EMPTY
  #seq: Seq = 0
  #last: Seq = 0
  #end = 0

  /** `rows` are complete when `next` is first called. */
  constructor(author: LogId, rows: readonly Put[]) {
    this.#author = author
    this.#rows = rows
  }

  /** The next entry; there must be one. */
  next(): Entry {
    if (this.#seq === this.#last) this.#startRow()
    else this.#seq++
    const start = entryStart(this.#bytes, this.#end)
    this.#end = packedEnd(this.#bytes, this.#end)
    return new WrittenEntry(this.#author, this.#seq, this.#bytes, start, this.#end)
  }

  #startRow(): void {
    const { value } = this.#rows[this.#row++] as Put
    this.#bytes = value.subarray(CRC_BYTES)
    const { first, last } = rangeOf(this.#bytes)
    this.#seq = first
    this.#last = last
    this.#end = ENTRIES_AT
  }
}

/** Like StoredEntry, but also reads its bytes and `at` on use, because most callers of `append` need only its seq. */
class WrittenEntry implements Entry {
  readonly author: LogId
  readonly seq: Seq
  readonly #bytes: Uint8Array
  readonly #start: number
  readonly #end: number

  constructor(author: LogId, seq: Seq, bytes: Uint8Array, start: number, end: number) {
    this.author = author
    this.seq = seq
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  get at(): Hlc {
    return storedHlc(this.entry)
  }

  get entry(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end)
  }

  get salt(): Uint8Array {
    return this.#bytes.subarray(this.#start - SALT_BYTES, this.#start)
  }

  /** Only the last entry of a segment has one. */
  get signature(): Uint8Array | undefined {
    return this.#end === this.#bytes.length ? signatureIn(this.#bytes) : undefined
  }
}

export const signedHeadKey = (author: LogId): Uint8Array => concat([HEADS, logKeyOf(author) ?? EMPTY])

/** The log whose head is in a row. */
export const signedHeadKeyAuthor = (rowKey: Uint8Array): LogId | undefined =>
  rowKey.length === 1 + LOG_KEY_BYTES ? logOfLogKey(rowKey.subarray(1)) : undefined

export const signedHeadWrite = (head: SignedHead): Put => ({
  type: 'put',
  key: signedHeadKey(head.author),
  value: checked(
    utf8(
      JSON.stringify({
        seq: head.seq,
        chain: hexOf(head.chain),
        first: head.first,
        last: head.last,
        size: head.size,
      }),
    ),
  ),
})

const HEAD =
  /^\{"seq":(\d{1,10}),"chain":"([0-9a-f]{64})","first":"([\d.]{18})","last":"([\d.]{18})","size":(\d{1,16})\}$/

/** A stored head; undefined if it is damaged, in which case it is rebuilt from the segments. */
export function storedHead([key, value]: Row): SignedHead | undefined {
  const match = HEAD.exec(textOf(unchecked(value) ?? new Uint8Array(0)) ?? '')
  const first = hlcOf(match?.[3] ?? '')
  const last = hlcOf(match?.[4] ?? '')
  const chain = Buffer.from(match?.[2] ?? '', 'hex')
  const author = signedHeadKeyAuthor(key)
  if (author === undefined || first === undefined || last === undefined || chain.length !== CHAIN_BYTES)
    return undefined
  return { author, seq: Number(match?.[1]), chain, first, last, size: Number(match?.[5]) }
}
