import { ByteReader } from '../../base/wire/byte-reader.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { bufferOf, concat, EMPTY, utf8 } from '../../base/wire/bytes.js'
import { keyOf as authorKeyOf, LOG_KEY_BYTES, type LogId, logKeyOf, logOfLogKey, type Seq } from '../format/author.js'
import type { GapState } from '../format/entry.js'
import { isPacked, isStub } from '../format/packed.js'
import { type PlaceRange, Places } from '../format/places.js'
import { SEQ_MAX } from '../limits.js'
import { checked, unchecked } from '../store/checked-row.js'
import { after, type Put, type Range, type Row, type Write } from '../store/store.js'

// Rows about places without content, and contents that are stored apart from their segments. docs/protocol/storage.md §4.2.

const GAPS = utf8('e')
const DROPPED = utf8('d')
const CONTENTS = utf8('b')
const SEQ_BYTES = 4
const REASON_BYTES = 1

/** The rows of gaps and forks, which are read at startup: one range, so that a single read gets them. */
export const STATE_ROWS: Range = { gte: DROPPED, lt: utf8('g') }

/**
 * Why this disk has no content for a place and requests none: the content was deleted, does not fit here, is older than the room keeps, or
 * is not given to us.
 */
export type DropReason = Exclude<GapState, 'missing'>
/** Rows store a reason as its index in this list. If several reasons apply to a place, the first one is shown. */
export const DROP_REASONS: readonly DropReason[] = ['deleted', 'kept-out', 'expired', 'not-given']

/** Which contents of a log are missing. */
export interface StoredGaps {
  readonly missing: Places
  /** The ranges of missing content that are control entries. */
  readonly controls: Places
  /** More may be missing from here on. */
  readonly restFrom: Seq | undefined
  /** Whether any contents are stored outside of their segments. */
  readonly hasContents: boolean
}

/** Places whose content this disk has dropped. */
export interface Dropped extends PlaceRange {
  readonly reason: DropReason
  /** Whether all rows are free of the content. */
  readonly isDone: boolean
}

const keyOf = (prefix: Uint8Array, log: LogId, seq?: Seq): Uint8Array => {
  const place = new ByteWriter().bytes(prefix).bytes(logKeyOf(log) ?? EMPTY)
  return (seq === undefined ? place : place.u32(seq)).finish()
}

/** The log in a row's key, and the seq that follows it. */
function placeIn(key: Uint8Array): { readonly log: LogId; readonly seq: Seq } | undefined {
  if (key.length !== 1 + LOG_KEY_BYTES + SEQ_BYTES) return undefined
  return { log: logOfLogKey(key.subarray(1)), seq: bufferOf(key).readUInt32BE(1 + LOG_KEY_BYTES) }
}

export function gapsWrite(log: LogId, { missing, controls, restFrom, hasContents }: StoredGaps): Write {
  const key = keyOf(GAPS, log)
  if (missing.isEmpty && restFrom === undefined && !hasContents) return { type: 'del', key }
  const value = new ByteWriter()
    .u8(hasContents ? 1 : 0)
    .u32(restFrom ?? 0)
    .u32(missing.ranges.length)
  for (const { from, to } of [...missing.ranges, ...controls.ranges]) value.u32(from).u32(to)
  return { type: 'put', key, value: checked(value.finish()) }
}

/** The log and the gaps in a row. The gaps are undefined if the row is damaged. */
export function gapsIn([key, value]: Row): { readonly log: LogId; readonly gaps: StoredGaps | undefined } | undefined {
  if (key[0] !== GAPS[0] || key.length !== 1 + LOG_KEY_BYTES) return undefined
  const log = logOfLogKey(key.subarray(1))
  const reader = new ByteReader(unchecked(value) ?? EMPTY)
  const hasContents = reader.u8() === 1
  const restFrom = reader.u32()
  const count = reader.u32()
  const ranges: PlaceRange[] = []
  while (reader.remaining >= 2 * SEQ_BYTES) ranges.push({ from: reader.u32(), to: reader.u32() })
  const gaps = reader.end({
    missing: new Places(ranges.slice(0, count)),
    controls: new Places(ranges.slice(count)),
    restFrom: restFrom === 0 ? undefined : restFrom,
    hasContents,
  })
  return { log, gaps }
}

const droppedKey = (log: LogId, reason: DropReason, from: Seq): Uint8Array =>
  new ByteWriter()
    .bytes(DROPPED)
    .bytes(logKeyOf(log) ?? EMPTY)
    .u8(DROP_REASONS.indexOf(reason))
    .u32(from)
    .finish()

export const droppedWrite = (log: LogId, { from, to, reason, isDone }: Dropped): Put => ({
  type: 'put',
  key: droppedKey(log, reason, from),
  value: checked(
    new ByteWriter()
      .u32(to)
      .u8(isDone ? 1 : 0)
      .finish(),
  ),
})

export const droppedDelete = (log: LogId, reason: DropReason, from: Seq): Write => ({
  type: 'del',
  key: droppedKey(log, reason, from),
})

/** The dropped places in a row. */
export function droppedIn([key, value]: Row): (Dropped & { readonly log: LogId }) | undefined {
  if (key[0] !== DROPPED[0] || key.length !== 1 + LOG_KEY_BYTES + REASON_BYTES + SEQ_BYTES) return undefined
  const place = new ByteReader(key.subarray(1 + LOG_KEY_BYTES))
  const reason = DROP_REASONS[place.u8()]
  const from = place.u32()
  const reader = new ByteReader(unchecked(value) ?? EMPTY)
  const to = reader.u32()
  const isDone = reader.u8() === 1
  if (reason === undefined) return undefined
  return reader.end({ log: logOfLogKey(key.subarray(1)), from, to, reason, isDone })
}

/** The row of a packed entry whose place in its segment is a stub. */
export const contentWrite = (log: LogId, seq: Seq, packed: Uint8Array): Put => ({
  type: 'put',
  key: keyOf(CONTENTS, log, seq),
  value: checked(packed),
})

export const contentRange = (log: LogId, { from, to }: PlaceRange): Range => ({
  gte: keyOf(CONTENTS, log, from),
  lt: keyOf(CONTENTS, log, Math.min(to, SEQ_MAX)),
})

/** The packed entry in a row; undefined if the row is damaged. */
export function contentIn([key, value]: Row): { readonly seq: Seq; readonly packed: Uint8Array } | undefined {
  const place = placeIn(key)
  const packed = unchecked(value)
  if (place === undefined || packed === undefined || isStub(packed) || !isPacked(packed, 0, 1)) return undefined
  return { seq: place.seq, packed }
}

export const contentKeySeq = (key: Uint8Array): Seq => placeIn(key)?.seq ?? 0

/** The range of the content rows of all logs of an author; `log` is any of them. */
export function contentsOfAuthor(log: LogId): Range {
  const prefix = concat([CONTENTS, authorKeyOf(log) ?? EMPTY])
  return { gte: prefix, lt: after(prefix) }
}
