import { readVarint, writeVarint } from '../../base/wire/bytes.js'
import { ENTRY_BYTES_MAX } from '../limits.js'

/** Consecutive entries as in a segment: each prefixed with its length as a varint. */
export interface Packed {
  readonly bytes: Buffer
  readonly count: number
}

/** Packed size of an entry of `length` bytes. */
export const packedSize = (length: number): number => length + (length < 0x80 ? 1 : length < 0x4000 ? 2 : 3)

/** Packed size of several entries. */
export function packedSizeOf(entries: readonly Uint8Array[]): number {
  let bytes = 0
  for (const { length } of entries) bytes += packedSize(length)
  return bytes
}

export function pack(entries: readonly Uint8Array[]): Packed {
  const bytes = Buffer.allocUnsafe(packedSizeOf(entries))
  let offset = 0
  for (const entry of entries) {
    offset = writeVarint(bytes, offset, entry.length)
    bytes.set(entry, offset)
    offset += entry.length
  }
  return { bytes, count: entries.length }
}

/** The entries, as views. */
export function unpack({ bytes, count }: Packed): Uint8Array[] {
  const entries: Uint8Array[] = []
  for (let offset = 0; entries.length < count; ) {
    const start = entryStart(bytes, offset)
    offset = entryEnd(bytes, offset)
    entries.push(bytes.subarray(start, offset))
  }
  return entries
}

/** Packed entries without the first `skipped`. */
export function packedAfter({ bytes, count }: Packed, skipped: number): Packed {
  if (skipped === 0) return { bytes, count }
  let offset = 0
  for (let i = 0; i < skipped; i++) offset = entryEnd(bytes, offset)
  return { bytes: bytes.subarray(offset), count: count - skipped }
}

/** Whether the bytes from `offset` on are exactly `count` packed entries; `canonical` if each length has the shortest encoding. */
export function packingOf(bytes: Uint8Array, offset: number, count: number): 'canonical' | 'overlong' | 'malformed' {
  let end = offset
  let isCanonical = true
  for (let i = 0; i < count; i++) {
    const start = end
    end = entryEnd(bytes, start)
    if (end > bytes.length) return 'malformed'
    const length = end - entryStart(bytes, start)
    if (end - start !== packedSize(length)) isCanonical = false
  }
  if (end !== bytes.length) return 'malformed'
  return isCanonical ? 'canonical' : 'overlong'
}

/** Start of the entry whose length is at `offset`. Nearly all lengths take one or two bytes, which are decoded inline. */
export const entryStart = (bytes: Uint8Array, offset: number): number => {
  if ((bytes[offset] as number) < 0x80) return offset + 1
  if ((bytes[offset + 1] as number) < 0x80) return offset + 2
  const length = readVarint(bytes, offset, ENTRY_BYTES_MAX)
  return length.kind === 'value' ? length.next : Number.POSITIVE_INFINITY
}

/** End of the entry whose length is at `offset`; infinite if the length is malformed or too large. */
export const entryEnd = (bytes: Uint8Array, offset: number): number => {
  const one = bytes[offset] as number
  if (one < 0x80) return offset + 1 + one
  const two = bytes[offset + 1] as number
  if (two < 0x80) return offset + 2 + (one & 0x7f) + two * 0x80
  const length = readVarint(bytes, offset, ENTRY_BYTES_MAX)
  return length.kind === 'value' ? length.next + length.value : Number.POSITIVE_INFINITY
}
