import { RunningHash } from '../../base/crypto/hash.js'
import { ENTRY_BYTES_MAX, SEGMENT_BYTES_MAX } from '../limits.js'
import type { ChainValue } from './chain.js'
import { validHlc } from './entry.js'
import type { Hlc } from './hybrid-clock.js'
import { endOf, type Packed, startOf } from './packed.js'
import { isPlainEntry } from './plain-entry.js'

/** Where the digits of `at` stand in an entry: nine, four, a dot and four more. */
const HIGH_AT = 7
const LOW_AT = HIGH_AT + 9
const COUNTER_AT = LOW_AT + 5
const ZERO = 0x30

/**
 * Judges packed entries that are to follow each other in one log: whether each is valid, and what the chain value is behind it.
 * Nothing is made of an entry of the plain form: it is hashed where it was looked at. PROTOCOL.md §3.2, §3.4.
 */
export class EntryValidator {
  readonly #hash = new RunningHash(ENTRY_BYTES_MAX, SEGMENT_BYTES_MAX)
  /** `at` of the entry before, as two numbers of nine and eight digits. */
  #high = 0
  #low = 0
  #marked = { high: 0, low: 0 }

  /** The entries to be judged come behind one whose `at` and chain value these are. */
  begin(chain: ChainValue, previous: Hlc): void {
    this.#hash.value = chain
    this.#high = Number(previous.slice(0, 9))
    this.#low = Number(previous.slice(9, 13)) * 10_000 + Number(previous.slice(14))
  }

  /** What comes now may be taken back. */
  mark(): void {
    this.#marked = { high: this.#high, low: this.#low }
    this.#hash.mark()
  }

  goBack(): void {
    this.#high = this.#marked.high
    this.#low = this.#marked.low
    this.#hash.goBack()
  }

  /** The chain value behind the last valid entry. */
  get chain(): ChainValue {
    return this.#hash.value
  }

  /** Whether that is the chain value there. */
  isAt(chain: ChainValue): boolean {
    return this.#hash.is(chain)
  }

  /** `at` of the last valid entry. */
  get last(): Hlc {
    const [high, low] = [String(this.#high).padStart(9, '0'), String(this.#low).padStart(8, '0')]
    return `${high}${low.slice(0, 4)}.${low.slice(4)}` as Hlc
  }

  /** The index of the first entry that is not valid behind the one before it; -1 where all are. At most as much as one segment holds. */
  take({ bytes, count }: Packed): number {
    const hash = this.#hash
    hash.source.set(bytes)
    for (let index = 0, offset = 0; index < count; index++) {
      const start = startOf(bytes, offset)
      offset = endOf(bytes, offset)
      const length = offset - start
      if (length > ENTRY_BYTES_MAX) return index
      hash.bring(start, length)
      if (!this.#isNext(hash.part, length)) return index
      hash.advance(length)
    }
    return -1
  }

  /** Whether the first `length` bytes are an entry that is valid behind the one before it; then it is the one before. */
  #isNext(bytes: Buffer, length: number): boolean {
    if (!isPlainEntry(bytes, length)) {
      const at = validHlc(bytes.subarray(0, length), this.last)
      if (at === undefined) return false
    }
    const high = digits(bytes, HIGH_AT, 9)
    const low = digits(bytes, LOW_AT, 4) * 10_000 + digits(bytes, COUNTER_AT, 4)
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
