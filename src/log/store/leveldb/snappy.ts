import { readVarint } from '../../../base/wire/bytes.js'

/** Largest unpacked block. LevelDB writes blocks of about 4 KiB, but one row may be as long as a segment. */
const UNPACKED_BYTES_MAX = 64 * 1024 * 1024

/**
 * Unpacks one block in Snappy's raw format (google/snappy, format_description.txt), which LevelDB uses; undefined if it is
 * malformed.
 */
export function unpackSnappy(bytes: Uint8Array): Uint8Array | undefined {
  const length = readVarint(bytes, 0, UNPACKED_BYTES_MAX)
  if (length.kind !== 'value') return undefined
  const unpacked = Buffer.alloc(length.value)
  let end = 0
  for (let at = length.next; at < bytes.length; ) {
    const tag = bytes[at++] as number
    if ((tag & 3) === 0) {
      const literal = literalLength(bytes, at, tag >>> 2)
      at = literal.next
      if (at + literal.length > bytes.length || end + literal.length > unpacked.length) return undefined
      unpacked.set(bytes.subarray(at, at + literal.length), end)
      at += literal.length
      end += literal.length
      continue
    }
    const copy = copyIn(bytes, at, tag)
    at = copy.next
    if (at > bytes.length || copy.offset < 1 || copy.offset > end || end + copy.length > unpacked.length)
      return undefined
    // Copy byte by byte, because source and target may overlap.
    for (let i = 0; i < copy.length; i++) unpacked[end + i] = unpacked[end + i - copy.offset] as number
    end += copy.length
  }
  return end === unpacked.length ? unpacked : undefined
}

/** A length over 60 is stored in the one to four bytes after the tag. */
function literalLength(bytes: Uint8Array, at: number, short: number): { length: number; next: number } {
  if (short < 60) return { length: short + 1, next: at }
  const count = short - 59
  return { length: littleEndian(bytes, at, count) + 1, next: at + count }
}

function copyIn(bytes: Uint8Array, at: number, tag: number): { length: number; offset: number; next: number } {
  switch (tag & 3) {
    case 1:
      return { length: ((tag >>> 2) & 7) + 4, offset: ((tag >>> 5) << 8) | (bytes[at] ?? 0), next: at + 1 }
    case 2:
      return { length: (tag >>> 2) + 1, offset: littleEndian(bytes, at, 2), next: at + 2 }
    default:
      return { length: (tag >>> 2) + 1, offset: littleEndian(bytes, at, 4), next: at + 4 }
  }
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0)
  return value
}
