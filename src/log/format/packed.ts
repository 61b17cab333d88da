import { readVarint, writeVarint } from '../../base/wire/bytes.js'
import { ENTRY_BYTES_MAX } from '../limits.js'

/** Consecutive entries as they lie in a segment: each with its length before it, as a varint. */
export interface Packed {
  readonly bytes: Buffer
  readonly count: number
}

/** Bytes that an entry of `length` takes, with its length before it. */
export const packedSize = (length: number): number => length + (length < 0x80 ? 1 : length < 0x4000 ? 2 : 3)

/** Bytes that entries take, packed. */
export function bytesOf(entries: readonly Uint8Array[]): number {
  let bytes = 0
  for (const { length } of entries) bytes += packedSize(length)
  return bytes
}

export function pack(entries: readonly Uint8Array[]): Packed {
  const bytes = Buffer.allocUnsafe(bytesOf(entries))
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
    const start = startOf(bytes, offset)
    offset = endOf(bytes, offset)
    entries.push(bytes.subarray(start, offset))
  }
  return entries
}

/** What is left of packed entries without the first `skipped`. */
export function packedAfter({ bytes, count }: Packed, skipped: number): Packed {
  if (skipped === 0) return { bytes, count }
  let offset = 0
  for (let i = 0; i < skipped; i++) offset = endOf(bytes, offset)
  return { bytes: bytes.subarray(offset), count: count - skipped }
}

/** How bytes from `offset` on are just so many entries: `shortest` where each length is written as short as it can be. */
export function formOf(bytes: Uint8Array, offset: number, count: number): 'shortest' | 'longer' | 'none' {
  let end = offset
  let isShortest = true
  for (let i = 0; i < count; i++) {
    const start = end
    end = endOf(bytes, start)
    if (end > bytes.length) return 'none'
    const length = end - startOf(bytes, start)
    if (end - start !== packedSize(length)) isShortest = false
  }
  if (end !== bytes.length) return 'none'
  return isShortest ? 'shortest' : 'longer'
}

/** Where an entry begins whose length stands at `offset`; lengths of one and two bytes are nearly all. */
export const startOf = (bytes: Uint8Array, offset: number): number => {
  if ((bytes[offset] as number) < 0x80) return offset + 1
  if ((bytes[offset + 1] as number) < 0x80) return offset + 2
  const length = readVarint(bytes, offset, ENTRY_BYTES_MAX)
  return length.kind === 'value' ? length.next : Number.POSITIVE_INFINITY
}

/** Where it ends: behind everything, where there is none or it is too long. */
export const endOf = (bytes: Uint8Array, offset: number): number => {
  const one = bytes[offset] as number
  if (one < 0x80) return offset + 1 + one
  const two = bytes[offset + 1] as number
  if (two < 0x80) return offset + 2 + (one & 0x7f) + two * 0x80
  const length = readVarint(bytes, offset, ENTRY_BYTES_MAX)
  return length.kind === 'value' ? length.next + length.value : Number.POSITIVE_INFINITY
}
