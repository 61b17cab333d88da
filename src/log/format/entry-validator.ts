/**
 * Validates entries in bulk. The rule itself is `validHlc` in entry.ts. The fast path recognises an entry in plain form (`at`,
 * `username` and `message`, nothing else), as nearly all are, from its bytes and never parses it. A property test compares fast path
 * and rule on generated and mutated bytes. The fast path saves 30 % of the CPU time of sending and receiving 300,000 entries between two
 * logs in one process: 791 ms instead of 1,140 ms, medians of 7 pairs of runs.
 */
import { isUtf8 } from 'node:buffer'
import { utf8 } from '../../base/wire/bytes.js'
import { ENTRY_BYTES_MAX } from '../limits.js'
import { ChainHash, type ChainValue } from './chain.js'
import { validHlc } from './entry.js'
import { EARLIEST, HLC_LENGTH, type Hlc } from './hybrid-clock.js'
import { AT_BYTES, contentStart, isStub, type Packed, packedEnd, SALT_BYTES } from './packed.js'

const AT = utf8('{"at":"')
const USERNAME = utf8('","username":"')
const MESSAGE = utf8('","message":"')
/** Offsets in an entry: the digits of `at` are nine, four, a dot and four more. */
const HIGH_AT = AT.length
const LOW_AT = HIGH_AT + 9
const DOT_AT = LOW_AT + 4
const COUNTER_AT = DOT_AT + 1
const AT_END = AT.length + HLC_LENGTH

const ZERO = 0x30
const QUOTE = 0x22
const BACKSLASH = 0x5c
const CLOSING_BRACE = 0x7d

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= ZERO + 9
const isUnescaped = (byte: number): boolean => byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH
/** For each byte, whether a JSON string may contain it unescaped. */
const UNESCAPED = Uint8Array.from({ length: 256 }, (_, byte) => (isUnescaped(byte) ? 1 : 0))
const UNESCAPED_ASCII = Uint8Array.from({ length: 256 }, (_, byte) => (isUnescaped(byte) && byte < 0x80 ? 1 : 0))
/** For each byte, whether it forms a one-character escape after a backslash. */
const ESCAPES = new Uint8Array(256)
for (const byte of utf8('"\\/bfnrt')) ESCAPES[byte] = 1

/**
 * Validates consecutive packed entries of one log, and computes the chain value after them. docs/protocol/logs.md §3.2, §3.4.
 */
export class EntryValidator {
  readonly #hash = new ChainHash()
  /** `at` of the last valid entry, as two numbers of nine and eight digits. */
  #high = 0
  #low = 0
  #saved = { high: 0, low: 0 }
  #hasStubs = false

  /** Starts after an entry with this chain value and this `at`. */
  begin(chain: ChainValue, previous: Hlc): void {
    this.#hasStubs = false
    this.#hash.value = chain
    this.#high = Number(previous.slice(0, 9))
    this.#low = Number(previous.slice(9, 13)) * 10_000 + Number(previous.slice(14))
  }

  /** Saves the state for `restore`. */
  save(): void {
    this.#saved = { high: this.#high, low: this.#low }
    this.#hash.save()
  }

  restore(): void {
    this.#high = this.#saved.high
    this.#low = this.#saved.low
    this.#hash.restore()
  }

  /** Whether there was a stub since the start. */
  get hasStubs(): boolean {
    return this.#hasStubs
  }

  /** The chain value after the last valid entry. */
  get chain(): ChainValue {
    return this.#hash.value
  }

  hasChain(chain: ChainValue): boolean {
    return this.#hash.equals(chain)
  }

  /** `at` of the last valid entry. */
  get last(): Hlc {
    const [high, low] = [String(this.#high).padStart(9, '0'), String(this.#low).padStart(8, '0')]
    return `${high}${low.slice(0, 4)}.${low.slice(4)}` as Hlc
  }

  /** Validates packed entries. Returns the index of the first that is invalid, or -1. */
  validate({ bytes, count }: Packed): number {
    for (let index = 0, offset = 0; index < count; index++) {
      if (isStub(bytes, offset)) {
        if (!this.#stubFollows(bytes, offset)) return index
        this.#hasStubs = true
        this.#hash.advanceStub(bytes, offset)
        offset = packedEnd(bytes, offset)
        continue
      }
      const start = contentStart(bytes, offset)
      offset = packedEnd(bytes, offset)
      if (!this.#follows(bytes, start + SALT_BYTES, offset)) return index
      this.#hash.advance(bytes, start, offset)
    }
    return -1
  }

  /** Whether the bytes from `start` to `end` are a valid entry after the last one; if so, it becomes the last one. */
  #follows(bytes: Buffer, start: number, end: number): boolean {
    if (!isPlainEntry(bytes, start, end) && validHlc(bytes.subarray(start, end), EARLIEST) === undefined) return false
    const high = digits(bytes, start + HIGH_AT, 9)
    const low = digits(bytes, start + LOW_AT, 4) * 10_000 + digits(bytes, start + COUNTER_AT, 4)
    return this.#isLater(high, low)
  }

  /** Whether the stub at `offset` has a valid `at` after the last one; if so, it becomes the last one. */
  #stubFollows(bytes: Buffer, offset: number): boolean {
    for (let i = offset + 1; i <= offset + AT_BYTES; i++) if (!isDigit(bytes[i] as number)) return false
    return this.#isLater(digits(bytes, offset + 1, 9), digits(bytes, offset + 10, 8))
  }

  #isLater(high: number, low: number): boolean {
    if (high < this.#high || (high === this.#high && low <= this.#low)) return false
    this.#high = high
    this.#low = low
    return true
  }
}

/** Whether the bytes from `start` to `end` are an entry in plain form. It is valid if its `at` is later than the previous entry's. */
export function isPlainEntry(bytes: Uint8Array, start = 0, end: number = bytes.length): boolean {
  if (end - start > ENTRY_BYTES_MAX || !hasBytes(bytes, start, AT)) return false
  for (let i = AT.length; i < AT_END; i++) {
    const byte = bytes[start + i] as number
    if (i === DOT_AT ? byte !== 0x2e : !isDigit(byte)) return false
  }
  if (!hasBytes(bytes, start + AT_END, USERNAME)) return false
  const username = start + AT_END + USERNAME.length
  return (
    hasTwoStrings(bytes, username, end, UNESCAPED_ASCII) ||
    (hasTwoStrings(bytes, username, end, UNESCAPED) && isUtf8(bytes.subarray(start, end)))
  )
}

/** Whether username, from `start` on, and message are strings of `unescaped` bytes and escapes, and nothing follows them. */
function hasTwoStrings(bytes: Uint8Array, start: number, end: number, unescaped: Uint8Array): boolean {
  const usernameEnd = stringEnd(bytes, start, end, unescaped)
  if (!hasBytes(bytes, usernameEnd, MESSAGE)) return false
  const messageEnd = stringEnd(bytes, usernameEnd + MESSAGE.length, end, unescaped)
  return messageEnd === end - 2 && bytes[messageEnd] === QUOTE && bytes[messageEnd + 1] === CLOSING_BRACE
}

function hasBytes(bytes: Uint8Array, offset: number, expected: Uint8Array): boolean {
  if (offset + expected.length > bytes.length) return false
  for (let i = 0; i < expected.length; i++) if (bytes[offset + i] !== expected[i]) return false
  return true
}

/** The end of the string that begins at `start`: its closing quote, or the first byte that the plain form does not allow. */
function stringEnd(bytes: Uint8Array, start: number, end: number, unescaped: Uint8Array): number {
  let at = start
  for (;;) {
    while (at < end && unescaped[bytes[at] as number] === 1) at++
    if (at + 1 >= end || bytes[at] !== BACKSLASH || ESCAPES[bytes[at + 1] as number] !== 1) return at
    at += 2
  }
}

function digits(bytes: Buffer, offset: number, count: number): number {
  let number = 0
  for (let i = offset; i < offset + count; i++) number = number * 10 + (bytes[i] as number) - ZERO
  return number
}
