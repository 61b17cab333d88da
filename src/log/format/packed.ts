import { HASH_BYTES } from '../../base/crypto/hash.js'
import { concat, writeVarint } from '../../base/wire/bytes.js'
import { ENTRY_BYTES_MAX } from '../limits.js'
import type { Seq } from './author.js'
import { type PlaceRange, Places } from './places.js'

// Packed entries, as in segments and in the chain. docs/protocol/logs.md §3.5:
//   varint(2 × length) ‖ salt ‖ entry
//   varint(1, or 3 for a control entry) ‖ at ‖ BLAKE2b-256(salt ‖ entry)    a stub: the place of an entry without its content

/** Random bytes that are hashed with an entry, so that its hash does not reveal a short text. */
export const SALT_BYTES = 8
/** The digits of `at`, without the dot. */
export const AT_BYTES = 17

const STUB = 1
const CONTROL_STUB = 3
export const STUB_BYTES = 1 + AT_BYTES + HASH_BYTES

/** Consecutive packed entries in one buffer. */
export interface Packed {
  readonly bytes: Buffer
  readonly count: number
}

/** Packed size of an entry of `length` bytes. */
export const packedSize = (length: number): number =>
  SALT_BYTES + length + (length < 0x40 ? 1 : length < 0x2000 ? 2 : 3)

/** Total size of packed entries. */
export function sizeOfPacked(entries: readonly Uint8Array[]): number {
  let bytes = 0
  for (const { length } of entries) bytes += length
  return bytes
}

export function packEntry(salt: Uint8Array, entry: Uint8Array): Uint8Array {
  // Not from Node's buffer pool, which a buffered entry would keep in memory.
  const bytes = Buffer.allocUnsafeSlow(packedSize(entry.length))
  const start = writeVarint(bytes, 0, 2 * entry.length)
  bytes.set(salt, start)
  bytes.set(entry, start + SALT_BYTES)
  return bytes
}

export const stub = (isControl: boolean, at: Uint8Array, digest: Uint8Array): Uint8Array =>
  concat([Uint8Array.of(isControl ? CONTROL_STUB : STUB), at, digest])

export const pack = (entries: readonly Uint8Array[]): Packed => ({
  bytes: Buffer.concat(entries),
  count: entries.length,
})

/** The packed entries, as views. */
export function unpack({ bytes, count }: Packed): Uint8Array[] {
  const entries: Uint8Array[] = []
  for (let offset = 0; entries.length < count; ) {
    const end = packedEnd(bytes, offset)
    entries.push(bytes.subarray(offset, end))
    offset = end
  }
  return entries
}

/** Number of packed entries in `bytes`; undefined if they are malformed. */
export function countOfPacked(bytes: Uint8Array): number | undefined {
  let [count, end] = [0, 0]
  for (; end < bytes.length; count++) end = packedEnd(bytes, end)
  return end === bytes.length ? count : undefined
}

/** Packed entries without the first `skipped`. */
export function packedAfter({ bytes, count }: Packed, skipped: number): Packed {
  if (skipped === 0) return { bytes, count }
  let offset = 0
  for (let i = 0; i < skipped; i++) offset = packedEnd(bytes, offset)
  return { bytes: bytes.subarray(offset), count: count - skipped }
}

/** Whether the bytes from `offset` on are exactly `count` packed entries. */
export function isPacked(bytes: Uint8Array, offset: number, count: number): boolean {
  let end = offset
  for (let i = 0; i < count; i++) {
    end = packedEnd(bytes, end)
    if (end > bytes.length) return false
  }
  return end === bytes.length
}

/** The places of the stubs among packed entries, as ranges. */
export interface StubPlaces {
  readonly all: readonly PlaceRange[]
  /** The places of stubs of control entries. */
  readonly controls: readonly PlaceRange[]
}

/** The places of the stubs among packed entries, the first of which has the seq `first`. */
export function stubsIn({ bytes, count }: Packed, first: Seq): StubPlaces {
  const [all, controls] = [new Places(), new Places()]
  for (let seq = first, offset = 0; seq < first + count; seq++) {
    if (isStub(bytes, offset)) {
      all.add(seq, seq + 1)
      if (isControlStub(bytes, offset)) controls.add(seq, seq + 1)
    }
    offset = packedEnd(bytes, offset)
  }
  return { all: all.ranges, controls: controls.ranges }
}

export const isStub = (bytes: Uint8Array, offset = 0): boolean => ((bytes[offset] as number) & 1) === 1

export const isControlStub = (bytes: Uint8Array, offset = 0): boolean => bytes[offset] === CONTROL_STUB

/** Start of the salt, or of `at` in a stub. */
export const contentStart = (bytes: Uint8Array, offset = 0): number => {
  if ((bytes[offset] as number) < 0x80) return offset + 1
  return (bytes[offset + 1] as number) < 0x80 ? offset + 2 : offset + 3
}

/** Start of the entry in a packed entry that is no stub. */
export const entryStart = (bytes: Uint8Array, offset = 0): number => contentStart(bytes, offset) + SALT_BYTES

/** End of the packed entry at `offset`; infinite if its length is malformed, too large, or not encoded in the shortest form. */
export const packedEnd = (bytes: Uint8Array, offset: number): number => {
  const one = bytes[offset] as number
  if ((one & 1) === 1) return one === STUB || one === CONTROL_STUB ? offset + STUB_BYTES : Number.POSITIVE_INFINITY
  if (one < 0x80) return offset + 1 + SALT_BYTES + one / 2
  const two = bytes[offset + 1] as number
  if (two < 0x80) return two === 0 ? Number.POSITIVE_INFINITY : offset + 2 + SALT_BYTES + (one - 0x80) / 2 + two * 0x40
  const three = bytes[offset + 2] as number
  const length = (one - 0x80) / 2 + (two - 0x80) * 0x40 + three * 0x2000
  return three > 0 && length <= ENTRY_BYTES_MAX ? offset + 3 + SALT_BYTES + length : Number.POSITIVE_INFINITY
}
