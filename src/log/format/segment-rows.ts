import { crc32 } from 'node:zlib'
import { KEY_BYTES } from '../../base/crypto/signing.js'
import { bufferOf, concat, EMPTY, hexOf, textOf, utf8 } from '../../base/wire/bytes.js'
import type { PlacedSegment } from '../store/segment-cache.js'
import { after, type Put, type Range, type Row, type Write } from '../store/store.js'
import { type AuthorId, authorOfKey, keyOf, type Seq } from './author.js'
import { CHAIN_BYTES } from './chain.js'
import { type Entry, hlcIn } from './entry.js'
import type { SignedHead } from './heads.js'
import { hlcOf } from './hybrid-clock.js'
import { packedSize } from './packed.js'
import {
  decodeSegment,
  ENTRIES_AT,
  packedOf,
  placesOf,
  type Segment,
  type SegmentHeader,
  segmentBytes,
} from './segment.js'

// Keys and values of signed logs in the store. PROTOCOL.md §4.2.

const SEGMENTS = utf8('s')
const HEADS = utf8('h')
const CRC_BYTES = 4
const PLACE_BYTES = 4

export const ALL_SIGNED_HEADS: Range = { gte: concat([HEADS, Buffer.alloc(KEY_BYTES)]), lt: after(HEADS) }
export const ALL_SEGMENTS: Range = { gte: SEGMENTS, lt: after(SEGMENTS) }

const OFFERED = utf8('o')
const RETRACTED = utf8('r')

/** Where the seq of a key's own log stands that was last offered to anyone: it says nothing of another key's log. */
export const offeredKey = (author: AuthorId): Uint8Array => concat([OFFERED, keyOf(author) ?? EMPTY])

/** Where lines of a key's own log wait that were taken back and are to be appended again. */
export const retractedKey = (author: AuthorId): Uint8Array => concat([RETRACTED, keyOf(author) ?? EMPTY])

export function segmentKey(key: Uint8Array, first: Seq): Uint8Array {
  const place = Buffer.alloc(PLACE_BYTES)
  place.writeUInt32BE(first)
  return concat([SEGMENTS, key, place])
}

/** Behind all places of a log. */
export const PLACES_END = 0x1_0000_0000

/** Keys of the segments of one log that begin at `from` or later, and before `to`. */
export const segmentRange = (key: Uint8Array, from: Seq, to: Seq): Range => ({
  gte: segmentKey(key, from),
  lt: to >= PLACES_END ? after(concat([SEGMENTS, key])) : segmentKey(key, to),
})

/** Where the segment of a row begins. */
export const placeOf = (rowKey: Uint8Array): Seq => bufferOf(rowKey).readUInt32BE(rowKey.length - PLACE_BYTES)

export const segmentKeyAuthor = (rowKey: Uint8Array): AuthorId => authorOfKey(rowKey.subarray(1, 1 + KEY_BYTES))

/** A segment as a row: before it a checksum, for the database returns flipped bits as they are. */
export function segmentWrite(key: Uint8Array, first: Seq, segment: Uint8Array): Put {
  return { type: 'put', key: segmentKey(key, first), value: checked(segment) }
}

/** The row of a segment whose entries are at several places. */
export function segmentRow(header: SegmentHeader, packed: readonly Uint8Array[]): Put {
  const value = segmentBytes(header, packed, CRC_BYTES)
  value.writeUInt32BE(crc32(value.subarray(CRC_BYTES)))
  return { type: 'put', key: segmentKey(header.key, header.first), value }
}

/** The bytes of a stored segment, as it is sent, if they are what was stored, and stand under their own key. */
export function placedSegment([key, value]: Row): PlacedSegment | undefined {
  const bytes = unchecked(value)
  if (bytes === undefined || bytes.length <= ENTRIES_AT) return undefined
  const { first, last } = placesOf(bytes)
  return isKeyOf(key, bytes) && placeOf(key) === first ? { first, last, bytes } : undefined
}

/** Whether a row's key is one of the author whose segment this is. Nothing is made for it: there may be as many as entries. */
function isKeyOf(key: Uint8Array, segment: Uint8Array): boolean {
  if (key.length !== SEGMENTS.length + KEY_BYTES + PLACE_BYTES || key[0] !== SEGMENTS[0]) return false
  for (let i = 0; i < KEY_BYTES; i++) if (key[SEGMENTS.length + i] !== segment[i]) return false
  return true
}

/** The segments among rows of a log that were just written. */
export const writtenSegments = (writes: readonly Write[]): PlacedSegment[] =>
  writes.flatMap(write => {
    if (write.type === 'del') return []
    const bytes = write.value.subarray(CRC_BYTES)
    return { ...placesOf(bytes), bytes }
  })

/** A stored segment, if it is what was stored, and stands under its own key. */
export function storedSegment(row: Row): Segment | undefined {
  const placed = placedSegment(row)
  return placed === undefined ? undefined : decodeSegment(placed.bytes)
}

/** The entries of a stored segment. Their bytes are views of its own, and what they say of their place parts of one text. */
export function entriesOf(author: AuthorId, segment: Segment): Entry[] {
  const { first, entries, signature } = segment
  const text = bufferOf(packedOf(segment).bytes).toString('latin1')
  let end = 0
  const last = entries.length - 1
  return entries.map((entry, index) => {
    end += packedSize(entry.length)
    const [seq, at] = [first + index, hlcIn(text, end - entry.length)]
    return index === last ? { author, seq, at, entry, signature } : { author, seq, at, entry }
  })
}

export const signedHeadKey = (author: AuthorId): Uint8Array =>
  concat([HEADS, keyOf(author) ?? new Uint8Array(KEY_BYTES)])

/** The author whose head a row is. */
export const signedHeadKeyAuthor = (rowKey: Uint8Array): AuthorId | undefined =>
  rowKey.length === 1 + KEY_BYTES ? authorOfKey(rowKey.subarray(1)) : undefined

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

/** A stored head; undefined where it is damaged, so that it is made again from the segments. */
export function storedHead([key, value]: Row): SignedHead | undefined {
  const match = HEAD.exec(textOf(unchecked(value) ?? new Uint8Array(0)) ?? '')
  const first = hlcOf(match?.[3] ?? '')
  const last = hlcOf(match?.[4] ?? '')
  const chain = Buffer.from(match?.[2] ?? '', 'hex')
  if (key.length !== 1 + KEY_BYTES || first === undefined || last === undefined || chain.length !== CHAIN_BYTES)
    return undefined
  return { author: authorOfKey(key.subarray(1)), seq: Number(match?.[1]), chain, first, last, size: Number(match?.[5]) }
}

/** The bytes behind their checksum. */
function checked(bytes: Uint8Array): Uint8Array {
  const checksum = Buffer.alloc(CRC_BYTES)
  checksum.writeUInt32BE(crc32(bytes))
  return concat([checksum, bytes])
}

/** What stands behind a checksum; undefined where that is another. */
function unchecked(value: Uint8Array): Uint8Array | undefined {
  const bytes = value.subarray(CRC_BYTES)
  return value.length > CRC_BYTES && bufferOf(value).readUInt32BE() === crc32(bytes) ? bytes : undefined
}
