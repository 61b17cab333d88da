import type { Random } from './random.js'

/** Random numbers that depend only on the seed: the sfc32 generator. */
export class SeededRandom implements Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** Streams with the same seed and different labels are independent. */
  constructor(seed: number, label = '') {
    const mixed = [0x9e37_79b9, 0x243f_6a88, 0xb7e1_5162].map(start => mix(start, `${seed}/${label}`))
    this.#a = mixed[0] ?? 0
    this.#b = mixed[1] ?? 0
    this.#c = mixed[2] ?? 0
    for (let i = 0; i < 12; i++) this.#next()
  }

  number(): number {
    return this.#next() / 2 ** 32
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#next() & 0xff)
  }

  /** A number with `min ≤ n < max`. */
  between(min: number, max: number): number {
    return min + this.number() * (max - min)
  }

  /** A whole number with `min ≤ n ≤ max`. */
  whole(min: number, max: number): number {
    return Math.floor(this.between(min, max + 1))
  }

  /** True with the given probability. */
  is(probability: number): boolean {
    return this.number() < probability
  }

  /** A random item. Throws RangeError if there is none. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.whole(0, items.length - 1)]
    if (item === undefined) throw new RangeError('no items to pick from')
    return item
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }
}

/** FNV-1a over a text with a final mix. */
function mix(start: number, text: string): number {
  let hash = start
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  return hash ^ (hash >>> 13)
}
