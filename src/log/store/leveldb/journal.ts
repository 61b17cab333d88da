import { bufferOf, concat } from '../../../base/wire/bytes.js'
import { crc32c, masked } from './crc32c.js'

// LevelDB's log format (google/leveldb, doc/log_format.md), the format of journals and manifests.

const BLOCK_BYTES = 32 * 1024
/** Checksum, length and type of a fragment. */
const HEADER_BYTES = 7
const [FULL, FIRST, MIDDLE, LAST] = [1, 2, 3, 4] as const
/** Fewest zeros at the end of a file that count as a torn write. None of our records ends in so many zeros. */
const TORN_ZEROS_MIN = 64

/** The contents of a file in the log format. */
export interface Journal {
  /** The intact records, in order. */
  readonly records: readonly Uint8Array[]
  /**
   * Offset of the first damage, if any. An incomplete record at the end of the file is not damage: it is a write that a crash cut off, and
   * was never acknowledged.
   */
  readonly damagedAt: number | undefined
}

type Fragment =
  | { readonly kind: 'fragment'; readonly type: number; readonly bytes: Uint8Array; readonly next: number }
  /** Only a torn write follows. */
  | { readonly kind: 'end' }
  | { readonly kind: 'damaged' }

/** Reads all intact records. LevelDB itself silently drops damaged records and then deletes the file. */
export function readJournal(file: Uint8Array): Journal {
  const bytes = bufferOf(file)
  const records: Uint8Array[] = []
  let damagedAt: number | undefined
  let parts: Uint8Array[] | undefined
  for (let at = 0; at < bytes.length; ) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES)
    if (left < HEADER_BYTES) {
      at += left
      continue
    }
    const fragment = fragmentAt(bytes, at)
    if (fragment.kind === 'end') break
    const isExpected =
      fragment.kind === 'fragment' &&
      (fragment.type === FULL || fragment.type === FIRST) === (parts === undefined) &&
      fragment.type >= FULL &&
      fragment.type <= LAST
    if (fragment.kind === 'damaged' || !isExpected) {
      damagedAt ??= at
      parts = undefined
      // The start of a new record is usable, whatever is damaged before it.
      if (fragment.kind === 'fragment' && (fragment.type === FULL || fragment.type === FIRST)) continue
      at = fragment.kind === 'fragment' ? fragment.next : nextIntactAt(bytes, at)
      continue
    }
    parts = [...(parts ?? []), fragment.bytes]
    if (fragment.type === FULL || fragment.type === LAST) {
      records.push(concat(parts))
      parts = undefined
    }
    at = fragment.next
  }
  return { records, damagedAt }
}

/** The bytes of a file that contains `records`. */
export function writeJournal(records: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = []
  let at = 0
  const push = (part: Uint8Array): void => {
    parts.push(part)
    at += part.length
  }
  for (const record of records) {
    let isFirst = true
    for (let rest: Uint8Array | undefined = record; rest !== undefined; ) {
      const left = BLOCK_BYTES - (at % BLOCK_BYTES)
      if (left < HEADER_BYTES) {
        push(Buffer.alloc(left))
        continue
      }
      const bytes: Uint8Array = rest.subarray(0, left - HEADER_BYTES)
      const isLast: boolean = bytes.length === rest.length
      push(fragment(isFirst ? (isLast ? FULL : FIRST) : isLast ? LAST : MIDDLE, bytes))
      rest = isLast ? undefined : rest.subarray(bytes.length)
      isFirst = false
    }
  }
  return Buffer.concat(parts)
}

function fragment(type: number, bytes: Uint8Array): Uint8Array {
  const whole = Buffer.alloc(HEADER_BYTES + bytes.length)
  whole.writeUInt16LE(bytes.length, 4)
  whole[6] = type
  whole.set(bytes, HEADER_BYTES)
  whole.writeUInt32LE(masked(crc32c(whole, 6)), 0)
  return whole
}

function fragmentAt(bytes: Buffer, at: number): Fragment {
  const blockEnd = at - (at % BLOCK_BYTES) + BLOCK_BYTES
  const isLastBlock = blockEnd >= bytes.length
  if (at + HEADER_BYTES > bytes.length) return { kind: 'end' }
  if (isZero(bytes, at)) return { kind: 'end' }
  const length = bytes.readUInt16LE(at + 4)
  const next = at + HEADER_BYTES + length
  // A fragment past the end of the file is a torn write, unless its length is damaged: then something intact follows.
  if (next > bytes.length && isLastBlock)
    return { kind: isIntactExceptLength(bytes, at) || intactAfter(bytes, at) !== undefined ? 'damaged' : 'end' }
  if (next > blockEnd) return { kind: 'damaged' }
  if (bytes.readUInt32LE(at) === masked(crc32c(bytes, at + 6, next)))
    return { kind: 'fragment', type: bytes[at + 6] as number, bytes: bytes.subarray(at + HEADER_BYTES, next), next }
  // The zeros of a torn write extend to the end of the file.
  const zerosAt = Math.max(at + HEADER_BYTES, Math.min(next, bytes.length - TORN_ZEROS_MIN))
  const isTorn = bytes.length - zerosAt >= TORN_ZEROS_MIN && isZero(bytes, zerosAt)
  return { kind: isTorn ? 'end' : 'damaged' }
}

/** Whether the last record is intact except for its length, so that nothing was cut off. */
function isIntactExceptLength(bytes: Buffer, at: number): boolean {
  return bytes.readUInt32LE(at) === masked(crc32c(bytes, at + 6))
}

const isZero = (bytes: Uint8Array, from: number): boolean => {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0) return false
  return true
}

/** After damage: the next intact fragment of the same block, or the next block. */
const nextIntactAt = (bytes: Buffer, at: number): number =>
  intactAfter(bytes, at) ?? at - (at % BLOCK_BYTES) + BLOCK_BYTES

/** Offset of the next intact fragment after `at` in the same block. Lengths in between cannot be trusted. */
function intactAfter(bytes: Buffer, at: number): number | undefined {
  const blockEnd = Math.min(at - (at % BLOCK_BYTES) + BLOCK_BYTES, bytes.length)
  for (let from = at + 1; from + HEADER_BYTES <= blockEnd; from++) {
    const type = bytes[from + 6] as number
    const next = from + HEADER_BYTES + bytes.readUInt16LE(from + 4)
    if (type < FULL || type > LAST || next > blockEnd) continue
    if (bytes.readUInt32LE(from) === masked(crc32c(bytes, from + 6, next))) return from
  }
  return undefined
}

/** A record of a journal begins with the number of its first change and the count of changes. */
const BATCH_HEADER_BYTES = 12

/**
 * The records without those that repeat changes. Only a file whose contents were duplicated has such records, and LevelDB aborts on it.
 * `after` is the number of the last change before the records.
 */
export function distinctRecords(records: readonly Uint8Array[], after = 0n): { records: Uint8Array[]; last: bigint } {
  const distinct: Uint8Array[] = []
  let last = after
  for (const record of records) {
    if (record.length < BATCH_HEADER_BYTES) continue
    const first = bufferOf(record).readBigUInt64LE()
    if (first <= last) continue
    last = first + BigInt(bufferOf(record).readUInt32LE(8)) - 1n
    distinct.push(record)
  }
  return { records: distinct, last }
}
