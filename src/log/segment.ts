import { concat, readVarint, varint } from '../base/bytes.js'
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

const FIRST_AT = KEY_BYTES
const COUNT_AT = FIRST_AT + 4
const BEFORE_AT = COUNT_AT + 2
const SIGNATURE_AT = BEFORE_AT + CHAIN_BYTES
const ENTRIES_AT = SIGNATURE_AT + SIGNATURE_BYTES

/** What a segment takes besides its entries. */
export const SEGMENT_HEADER_BYTES = ENTRIES_AT

/** What the entries of one segment may take, with their lengths. */
export const SEGMENT_ENTRIES_BYTES_MAX = SEGMENT_BYTES_MAX - ENTRIES_AT

const COUNT_MAX = 0xffff

export const lastOf = ({ first, entries }: Pick<Segment, 'first' | 'entries'>): Seq => first + entries.length - 1

/** Bytes that an entry takes in a segment. */
export const sizeInSegment = (entry: Uint8Array): number =>
  entry.length + (entry.length < 0x80 ? 1 : entry.length < 0x4000 ? 2 : 3)

/** Bytes that entries take in segments. */
export const bytesOf = (entries: readonly Uint8Array[]): number =>
  entries.reduce((sum, entry) => sum + sizeInSegment(entry), 0)

export function encodeSegment({ key, first, entries, before, signature }: Segment): Uint8Array {
  const header = Buffer.alloc(6)
  header.writeUInt32BE(first, 0)
  header.writeUInt16BE(entries.length, 4)
  return concat([key, header, before, signature, ...entries.flatMap(entry => [varint(entry.length), entry])])
}

/** Undefined for anything but a segment within the limits. Its parts are views. What it says is not yet checked. */
export function decodeSegment(bytes: Uint8Array): Segment | undefined {
  if (bytes.length < ENTRIES_AT || bytes.length > SEGMENT_BYTES_MAX) return undefined
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
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

/** How many of `entries`, from `start` on, one segment holds: at least one. */
export function countThatFits(entries: readonly Uint8Array[], start: number): number {
  let size = 0
  let count = 0
  for (let i = start; i < entries.length && count < COUNT_MAX; i++) {
    size += sizeInSegment(entries[i] as Uint8Array)
    if (size > SEGMENT_ENTRIES_BYTES_MAX && count > 0) break
    count++
  }
  return count
}
