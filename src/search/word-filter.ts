import { bufferOf } from '../base/wire/bytes.js'

/** Bits and probes per distinct word. The false positive rate is about 1 in 2,000. */
const BITS_PER_WORD = 16
const PROBES = 8

/**
 * A Bloom filter over words: no false negatives, and few false positives. It takes two bytes per word, and the words
 * cannot be read from it.
 */
export function filterOf(words: ReadonlySet<string>): Uint8Array {
  const bytes = Buffer.alloc(Math.ceil((Math.max(1, words.size) * BITS_PER_WORD) / 8))
  for (const word of words)
    for (const bit of new WordHash(word).bits(bytes.length * 8)) (bytes[bit >>> 3] as number) |= 1 << (bit & 7)
  return bytes
}

/** The hash of a word, to look it up in filters. */
export class WordHash {
  readonly #first: number
  readonly #step: number

  constructor(word: string) {
    let [first, second] = [0x811c9dc5, 0x9747b28c]
    for (let index = 0; index < word.length; index++) {
      const unit = word.charCodeAt(index)
      first = Math.imul(first ^ unit, 0x01000193)
      second = Math.imul(second ^ unit, 0x5bd1e995)
      second ^= second >>> 15
    }
    this.#first = mixed(first)
    this.#step = mixed(second) | 1
  }

  *bits(count: number): Generator<number> {
    for (let probe = 0, hash = this.#first; probe < PROBES; probe++, hash += this.#step) yield (hash >>> 0) % count
  }

  /** Whether a filter may contain the word. */
  mayBeIn(filter: Uint8Array): boolean {
    const count = filter.length * 8
    for (let probe = 0, hash = this.#first; probe < PROBES; probe++, hash += this.#step) {
      const bit = (hash >>> 0) % count
      if (((filter[bit >>> 3] as number) & (1 << (bit & 7))) === 0) return false
    }
    return true
  }
}

/** Mixes the bits of a number, so that each of them affects all others. */
function mixed(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

const TIME_BYTES = 6

/** The words of consecutive entries as a filter, and the time of the newest entry. */
export interface WordBlock {
  readonly newestMs: number
  readonly filter: Uint8Array
}

export function encodeWordBlock({ newestMs, filter }: WordBlock): Uint8Array {
  const bytes = Buffer.alloc(TIME_BYTES + filter.length)
  bytes.writeUIntBE(Math.max(0, Math.min(newestMs, 2 ** 48 - 1)), 0, TIME_BYTES)
  bytes.set(filter, TIME_BYTES)
  return bytes
}

/** Decodes a word block; undefined if it is too short. */
export function decodeWordBlock(bytes: Uint8Array): WordBlock | undefined {
  if (bytes.length <= TIME_BYTES) return undefined
  return { newestMs: bufferOf(bytes).readUIntBE(0, TIME_BYTES), filter: bytes.subarray(TIME_BYTES) }
}
