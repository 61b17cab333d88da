import { sodium } from './sodium.js'

export const HASH_BYTES = 32

/** Views of parts below this length are kept: making one costs a tenth of the hash. */
const VIEWS = 512

/**
 * A hash that goes on: with each part its value becomes BLAKE2b-256(value ‖ part). Parts are written right behind the value,
 * or brought there from a source behind them, so that nothing is allocated for each.
 */
export class RunningHash {
  /** Where the next part is written. */
  readonly part: Buffer
  /** From where parts can be brought. */
  readonly source: Buffer
  readonly #bytes: Buffer
  readonly #value: Buffer
  readonly #marked = new Uint8Array(HASH_BYTES)
  readonly #sourceAt: number
  readonly #views = new Array<Buffer | undefined>(VIEWS)

  constructor(partBytesMax: number, sourceBytesMax = 0) {
    const sourceAt = HASH_BYTES + partBytesMax
    this.#bytes = Buffer.allocUnsafeSlow(sourceAt + sourceBytesMax)
    this.#value = this.#bytes.subarray(0, HASH_BYTES)
    this.part = this.#bytes.subarray(HASH_BYTES, sourceAt)
    this.source = this.#bytes.subarray(sourceAt)
    this.#sourceAt = sourceAt
  }

  get value(): Uint8Array {
    return new Uint8Array(this.#value)
  }

  set value(value: Uint8Array) {
    this.#value.set(value)
  }

  /** Whether `value` is the value now. */
  is(value: Uint8Array): boolean {
    return this.#value.equals(value)
  }

  /** Brings `length` bytes of the source to where the next part is written. */
  bring(offset: number, length: number): void {
    const start = this.#sourceAt + offset
    this.#bytes.copyWithin(HASH_BYTES, start, start + length)
  }

  /** Remembers the value, to `goBack` to it. */
  mark(): void {
    this.#marked.set(this.#value)
  }

  goBack(): void {
    this.#value.set(this.#marked)
  }

  /** Takes in a part, which is copied first. */
  add(part: Uint8Array): void {
    this.part.set(part)
    this.advance(part.length)
  }

  /** Takes in the first `length` bytes of `part`. */
  advance(length: number): void {
    sodium.crypto_generichash(this.#value, this.#view(length))
  }

  #view(length: number): Buffer {
    if (length >= VIEWS) return this.#bytes.subarray(0, HASH_BYTES + length)
    this.#views[length] ??= this.#bytes.subarray(0, HASH_BYTES + length)
    return this.#views[length]
  }
}

/** Inputs are gathered here: an entry and what is hashed with it fit, and nothing is allocated for them. */
const scratch = Buffer.allocUnsafeSlow(32 * 1024)

/** BLAKE2b-256 of all `parts`, one after the other. RFC 7693. */
export function hash(...parts: readonly Uint8Array[]): Uint8Array {
  const output = Buffer.allocUnsafe(HASH_BYTES)
  let length = 0
  for (const part of parts) length += part.length
  const input = length <= scratch.length ? scratch : Buffer.allocUnsafe(length)
  let offset = 0
  for (const part of parts) {
    input.set(part, offset)
    offset += part.length
  }
  sodium.crypto_generichash(output, input.subarray(0, length))
  return output
}
