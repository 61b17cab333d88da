import { ChainHash, type ChainValue } from './chain.js'
import { validHlc } from './entry.js'
import { EARLIEST, type Hlc } from './hybrid-clock.js'
import { AT_BYTES, contentStart, isStub, type Packed, packedEnd, SALT_BYTES } from './packed.js'
import { plainValidator } from './plain-validator.js'

const ZERO = 0x30
/** Offsets in an entry: the digits of `at` are nine, four, a dot and four more. */
const HIGH_AT = 7
const LOW_AT = HIGH_AT + 9
const COUNTER_AT = LOW_AT + 5

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= ZERO + 9

/**
 * Validates consecutive packed entries of one log, and computes the chain value after them. docs/protocol/logs.md §3.2, §3.4.
 *
 * The rule itself is `validHlc` in entry.ts. Nearly all entries are in plain form (`at`, `username` and `message`, nothing else).
 * `PlainValidator` accepts these without parsing, which takes 15 % off the CPU time of fetching a history (sealed, both sides, medians of 7
 * pairs of runs). A property test compares both on generated and mutated bytes.
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
    const plain = plainValidator()
    plain.load(bytes)
    for (let index = 0, offset = 0; index < count; index++) {
      plain.chain.set(this.#hash.value)
      plain.setAt(this.#high, this.#low)
      index += plain.accept(offset, count - index)
      this.#hash.value = plain.chain
      this.#high = plain.high
      this.#low = plain.low
      if (index === count) break
      offset = plain.offset
      const end = packedEnd(bytes, offset)
      if (!this.#acceptOne(bytes, offset, end)) return index
      offset = end
    }
    return -1
  }

  /** Accepts a stub, or an entry in another form. */
  #acceptOne(bytes: Buffer, offset: number, end: number): boolean {
    const start = contentStart(bytes, offset)
    if (isStub(bytes, offset)) {
      if (!this.#stubFollows(bytes, start)) return false
      this.#hasStubs = true
      this.#hash.advanceStub(bytes, offset)
    } else {
      if (!this.#entryFollows(bytes, start + SALT_BYTES, end)) return false
      this.#hash.advance(bytes, start, end)
    }
    return true
  }

  /** Whether the bytes from `start` to `end` are a valid entry after the last one; if so, it becomes the last one. */
  #entryFollows(bytes: Buffer, start: number, end: number): boolean {
    if (validHlc(bytes.subarray(start, end), EARLIEST) === undefined) return false
    const high = digits(bytes, start + HIGH_AT, 9)
    const low = digits(bytes, start + LOW_AT, 4) * 10_000 + digits(bytes, start + COUNTER_AT, 4)
    return this.#isLater(high, low)
  }

  /** Whether the stub whose `at` begins at `start` is valid after the last entry; if so, it becomes the last one. */
  #stubFollows(bytes: Buffer, start: number): boolean {
    for (let i = start; i < start + AT_BYTES; i++) if (!isDigit(bytes[i] as number)) return false
    return this.#isLater(digits(bytes, start, 9), digits(bytes, start + 9, 8))
  }

  #isLater(high: number, low: number): boolean {
    if (high < this.#high || (high === this.#high && low <= this.#low)) return false
    this.#high = high
    this.#low = low
    return true
  }
}

function digits(bytes: Buffer, offset: number, count: number): number {
  let number = 0
  for (let i = offset; i < offset + count; i++) number = number * 10 + (bytes[i] as number) - ZERO
  return number
}
