import { KEY_BYTES, SIGNATURE_BYTES } from '../../base/crypto/signing.js'
import { bufferOf } from '../../base/wire/bytes.js'
import { SEGMENT_BYTES_MAX, SEQ_MAX } from '../limits.js'
import { LOG_KEY_BYTES, type LogId, logOfKey, type Run, type Seq } from './author.js'
import { CHAIN_BYTES, type ChainValue } from './chain.js'
import { isPacked, type Packed, pack, unpack } from './packed.js'

/**
 * Consecutive entries of one author under one signature, which covers the whole log up to the last of these entries. Segments are sent as
 * stored, and each can be verified on its own. docs/protocol/logs.md §3.5.
 */
export interface Segment {
  readonly key: Uint8Array
  readonly run: Run
  readonly first: Seq
  /** The entries, packed. */
  readonly entries: readonly Uint8Array[]
  /** The chain value before the first entry. */
  readonly before: ChainValue
  /** Signs the chain value after the last entry. */
  readonly signature: Uint8Array
}

/** The log of a segment. */
export const logOfSegment = ({ key, run }: Pick<Segment, 'key' | 'run'>): LogId => logOfKey(key, run)

export interface SegmentHeader extends Omit<Segment, 'entries'> {
  readonly count: number
}

const FIRST_AT = LOG_KEY_BYTES
export const COUNT_AT = FIRST_AT + 4
const BEFORE_AT = COUNT_AT + 2
export const SIGNATURE_AT = BEFORE_AT + CHAIN_BYTES
export const ENTRIES_AT = SIGNATURE_AT + SIGNATURE_BYTES

/** Largest packed size of the entries of one segment. */
export const SEGMENT_ENTRIES_BYTES_MAX = SEGMENT_BYTES_MAX - ENTRIES_AT

/** Number of entries, without unpacking them. */
export const countOf = (run: Pick<Segment, 'entries'>): number =>
  run instanceof PackedSegment ? run.packed.count : run.entries.length

export const lastOf = (run: Pick<Segment, 'first' | 'entries'>): Seq => run.first + countOf(run) - 1

/** The entries of a run in packed form. */
export const packedOf = (run: Pick<Segment, 'entries'>): Packed =>
  run instanceof PackedSegment ? run.packed : pack(run.entries)

/** Writes the part of a segment before its entries. */
export function writeHeader(bytes: Buffer, { key, run, first, count, before, signature }: SegmentHeader): void {
  bytes.set(key)
  bytes.writeUInt32BE(run, KEY_BYTES)
  bytes.writeUInt32BE(first, FIRST_AT)
  bytes.writeUInt16BE(count, COUNT_AT)
  bytes.set(before, BEFORE_AT)
  bytes.set(signature, SIGNATURE_AT)
}

export const encodeSegment = (segment: Segment): Uint8Array => {
  const { bytes, count } = packedOf(segment)
  return segmentBytes({ ...segment, count }, [bytes])
}

/** The bytes of a segment with these packed entries, after `reservedBytes` left unset for the caller. */
export function segmentBytes(header: SegmentHeader, packed: readonly Uint8Array[], reservedBytes = 0): Buffer {
  let size = reservedBytes + ENTRIES_AT
  for (const { length } of packed) size += length
  const bytes = Buffer.allocUnsafe(size)
  writeHeader(bytes.subarray(reservedBytes), header)
  let offset = reservedBytes + ENTRIES_AT
  for (const part of packed) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

/** First and last seq of a segment, from its bytes. */
export function rangeOf(bytes: Uint8Array): { readonly first: Seq; readonly last: Seq } {
  const view = bufferOf(bytes)
  const first = view.readUInt32BE(FIRST_AT)
  return { first, last: first + view.readUInt16BE(COUNT_AT) - 1 }
}

/** The signature of a segment, from its bytes. */
export const signatureIn = (bytes: Uint8Array): Uint8Array => bytes.subarray(SIGNATURE_AT, ENTRIES_AT)

/** The segment in `bytes`, as views; undefined if it is malformed or exceeds a limit. Its signature is not yet verified. */
export function decodeSegment(bytes: Uint8Array): Segment | undefined {
  if (bytes.length < ENTRIES_AT || bytes.length > SEGMENT_BYTES_MAX) return undefined
  const view = bufferOf(bytes)
  const first = view.readUInt32BE(FIRST_AT)
  const count = view.readUInt16BE(COUNT_AT)
  if (first < 1 || count < 1 || first + count - 1 > SEQ_MAX) return undefined
  return isPacked(view, ENTRIES_AT, count) ? new PackedSegment(view, first, count) : undefined
}

/** A decoded segment. Its entries are unpacked on first use, by a getter, which an object spread does not copy. */
class PackedSegment implements Segment {
  readonly key: Uint8Array
  readonly run: Run
  readonly first: Seq
  readonly before: ChainValue
  readonly signature: Uint8Array
  readonly packed: Packed
  #entries: readonly Uint8Array[] | undefined

  constructor(bytes: Buffer, first: Seq, count: number) {
    this.key = bytes.subarray(0, KEY_BYTES)
    this.run = bytes.readUInt32BE(KEY_BYTES)
    this.first = first
    this.before = bytes.subarray(BEFORE_AT, SIGNATURE_AT)
    this.signature = signatureIn(bytes)
    this.packed = { bytes: bytes.subarray(ENTRIES_AT), count }
  }

  get entries(): readonly Uint8Array[] {
    this.#entries ??= unpack(this.packed)
    return this.#entries
  }
}
