import { readVarint, writeVarint } from '../base/bytes.js'
import { ENTRY_BYTES_MAX, SEGMENT_BYTES_MAX, SEQ_MAX } from '../base/limits.js'
import { KEY_BYTES, SIGNATURE_BYTES } from '../base/signing.js'
import type { Seq } from './author.js'
import { CHAIN_BYTES, type ChainValue } from './chain.js'

/**
 * A run of consecutive entries of one author under one signature, at its last entry. The bytes that are stored are the
 * bytes that are sent; they can be checked by themselves, from anywhere. PROTOCOL.md §3.5.
 */
export interface Segment {
  readonly key: Uint8Array
  readonly first: Seq
  readonly entries: readonly Uint8Array[]
  /** The chain value before the first entry. */
  readonly before: ChainValue
  /** Vouches for the chain value after the last entry. */
  readonly signature: Uint8Array
}

interface SegmentHeader extends Omit<Segment, 'entries'> {
  readonly count: number
}

const FIRST_AT = KEY_BYTES
const COUNT_AT = FIRST_AT + 4
const BEFORE_AT = COUNT_AT + 2
const SIGNATURE_AT = BEFORE_AT + CHAIN_BYTES
export const ENTRIES_AT = SIGNATURE_AT + SIGNATURE_BYTES

/** What the entries of one segment may take, with their lengths. */
export const SEGMENT_ENTRIES_BYTES_MAX = SEGMENT_BYTES_MAX - ENTRIES_AT

export const lastOf = ({ first, entries }: Pick<Segment, 'first' | 'entries'>): Seq => first + entries.length - 1

/** Bytes that an entry of `length` takes in a segment, with its length before it. */
export const sizeInSegment = (length: number): number => length + (length < 0x80 ? 1 : length < 0x4000 ? 2 : 3)

/** Writes what stands before the entries of a segment. */
export function writeHeader(bytes: Buffer, { key, first, count, before, signature }: SegmentHeader): void {
  bytes.set(key)
  bytes.writeUInt32BE(first, FIRST_AT)
  bytes.writeUInt16BE(count, COUNT_AT)
  bytes.set(before, BEFORE_AT)
  bytes.set(signature, SIGNATURE_AT)
}

/** Bytes that entries take in segments. */
export function bytesOf(entries: readonly Uint8Array[]): number {
  let bytes = 0
  for (const { length } of entries) bytes += sizeInSegment(length)
  return bytes
}

export function encodeSegment(segment: Segment): Uint8Array {
  const bytes = Buffer.allocUnsafe(sizeOf(segment))
  writeSegment(bytes, segment)
  return bytes
}

/** Bytes that a segment takes. */
export const sizeOf = ({ entries }: Pick<Segment, 'entries'>): number => ENTRIES_AT + bytesOf(entries)

/** Writes a segment, which takes `sizeOf` it. */
export function writeSegment(bytes: Buffer, { key, first, entries, before, signature }: Segment): void {
  writeHeader(bytes, { key, first, count: entries.length, before, signature })
  let offset = ENTRIES_AT
  for (const entry of entries) {
    offset = writeVarint(bytes, offset, entry.length)
    bytes.set(entry, offset)
    offset += entry.length
  }
}

/** The places of a segment's entries, from its bytes. */
export function placesOf(bytes: Uint8Array): { readonly first: Seq; readonly last: Seq } {
  const view = viewOf(bytes)
  const first = view.readUInt32BE(FIRST_AT)
  return { first, last: first + view.readUInt16BE(COUNT_AT) - 1 }
}

/** Undefined for anything but a segment within the limits. Its parts are views. What it says is not yet checked. */
export function decodeSegment(bytes: Uint8Array): Segment | undefined {
  if (bytes.length < ENTRIES_AT || bytes.length > SEGMENT_BYTES_MAX) return undefined
  const view = viewOf(bytes)
  const first = view.readUInt32BE(FIRST_AT)
  const count = view.readUInt16BE(COUNT_AT)
  if (first < 1 || count < 1 || first + count - 1 > SEQ_MAX) return undefined
  const entries: Uint8Array[] = []
  let offset = ENTRIES_AT
  for (let i = 0; i < count; i++) {
    const length = readVarint(view, offset, ENTRY_BYTES_MAX)
    if (length.kind !== 'value' || length.next + length.value > view.length) return undefined
    offset = length.next + length.value
    entries.push(view.subarray(length.next, offset))
  }
  if (offset !== view.length) return undefined
  return {
    key: view.subarray(0, FIRST_AT),
    first,
    entries,
    before: view.subarray(BEFORE_AT, SIGNATURE_AT),
    signature: view.subarray(SIGNATURE_AT, ENTRIES_AT),
  }
}

const viewOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
