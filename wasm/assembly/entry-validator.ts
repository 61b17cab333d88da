// Validates consecutive packed entries in plain form and computes the chain value after them, in one call for a whole segment.
// docs/protocol/logs.md §3.2, §3.4, §3.5.
import { DIGEST, hash } from './blake2b'
import { AT_START, isPlainEntry } from './plain-entry'

const SALT_BYTES: usize = 8
const ENTRY_BYTES_MAX: u32 = 16 * 1024
const CHAIN_BYTES: usize = 32

/** One step of the chain: the chain value, the digits of `at`, the control bit, the hash of salt and entry. */
const STEP: usize = memory.data(32 + 17 + 1 + 32 + 128, 16)
const STEP_BYTES: usize = 32 + 17 + 1 + 32
const STEP_AT: usize = STEP + CHAIN_BYTES
const STEP_CONTROL: usize = STEP_AT + 17
const STEP_DIGEST: usize = STEP_CONTROL + 1

/** Where the chain value is: before the entries, then after them. */
export const chain: usize = STEP
/** Where the caller puts the packed entries. */
export const input: usize = 64 * 1024

/** `at` of the last valid entry: nine and eight digits. */
export let high: u32 = 0
export let low: u32 = 0
/** Offset of the first packed entry that was not accepted. */
export let accepted: u32 = 0

/**
 * Accepts up to `count` of the packed entries in the input from `from` to `to`, while each is valid, in plain form, and dated after
 * the one before. Returns their number. The next one may be valid in another form: the caller decides. The memory must reach
 * 128 bytes beyond the input.
 */
export function accept(from: u32, to: u32, count: i32): i32 {
  const end = input + to
  let offset = input + from
  let index = 0
  for (; index < count; index++) {
    const next = acceptOne(offset, end)
    if (next === 0) break
    offset = next
  }
  accepted = <u32>(offset - input)
  return index
}

/** The end of the entry at `offset`; 0 if it is not accepted. */
function acceptOne(offset: usize, end: usize): usize {
  // Long enough for the header, and for an `at` to be read.
  if (offset + 3 + SALT_BYTES >= end) return 0
  const one = <u32>load<u8>(offset)
  const two = <u32>load<u8>(offset, 1)
  const three = <u32>load<u8>(offset, 2)
  if ((one & 1) !== 0) return 0
  const headerBytes: usize = one < 0x80 ? 1 : two < 0x80 ? 2 : 3
  let length = one >> 1
  if (headerBytes === 2) length = ((one - 0x80) >> 1) + (two << 6)
  else if (headerBytes === 3) length = ((one - 0x80) >> 1) + ((two - 0x80) << 6) + (three << 13)
  const salt = offset + headerBytes
  const start = salt + SALT_BYTES
  const next = start + length
  if (length > ENTRY_BYTES_MAX || next > end || !isPlainEntry(start, next)) return 0
  const at = start + AT_START
  const atHigh = digits(at, 9)
  const atLow = digits(at + 9, 4) * 10_000 + digits(at + 14, 4)
  if (atHigh < high || (atHigh === high && atLow <= low)) return 0
  high = atHigh
  low = atLow
  hash(salt, SALT_BYTES + length)
  advance(at)
  return next
}

/** Computes the next chain value. `at`: where the digits of the entry are, whose hash was computed last. */
function advance(at: usize): void {
  v128.store(STEP_AT, v128.load(at))
  store<u32>(STEP_AT + 13, load<u32>(at + 14))
  store<u8>(STEP_CONTROL, 0)
  v128.store(STEP_DIGEST, v128.load(DIGEST))
  v128.store(STEP_DIGEST + 16, v128.load(DIGEST + 16))
  hash(STEP, STEP_BYTES)
  v128.store(STEP, v128.load(DIGEST))
  v128.store(STEP + 16, v128.load(DIGEST + 16))
}

function digits(start: usize, count: usize): u32 {
  let number: u32 = 0
  for (let i: usize = 0; i < count; i++) number = number * 10 + load<u8>(start + i) - 0x30
  return number
}
