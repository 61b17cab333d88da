import { sodium } from './sodium.js'

export const HASH_BYTES = 32

/** Views of parts shorter than this are cached: creating a view takes a tenth of the time of hashing it. */
const CACHED_VIEWS = 512

/**
 * A running hash: each part changes its value to BLAKE2b-256(value ‖ part). Value, part and source are adjacent in one buffer. A
 * part is written right after the value, or copied there from the source, so that hashing it allocates nothing.
 */
export class RunningHash {
  /** Where the next part is written. */
  readonly part: Buffer
  /** Bytes that parts can be copied from. */
  readonly source: Buffer
  readonly #bytes: Buffer
  readonly #value: Buffer
  readonly #saved = new Uint8Array(HASH_BYTES)
  readonly #sourceAt: number
  readonly #views = new Array<Buffer | undefined>(CACHED_VIEWS)

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

  /** Whether the running hash equals `value`. */
  equals(value: Uint8Array): boolean {
    return this.#value.equals(value)
  }

  /** Copies `length` bytes of the source to `part`. */
  load(offset: number, length: number): void {
    const start = this.#sourceAt + offset
    this.#bytes.copyWithin(HASH_BYTES, start, start + length)
  }

  /** Saves the value for `restore`. */
  save(): void {
    this.#saved.set(this.#value)
  }

  restore(): void {
    this.#value.set(this.#saved)
  }

  /** Copies `part` and hashes it. */
  add(part: Uint8Array): void {
    this.part.set(part)
    this.advance(part.length)
  }

  /** Hashes the first `length` bytes of `part`. */
  advance(length: number): void {
    sodium().crypto_generichash(this.#value, this.#view(length))
  }

  #view(length: number): Buffer {
    if (length >= CACHED_VIEWS) return this.#bytes.subarray(0, HASH_BYTES + length)
    this.#views[length] ??= this.#bytes.subarray(0, HASH_BYTES + length)
    return this.#views[length]
  }
}

/** Joins short inputs without an allocation. An entry and its chain value fit. */
const scratch = Buffer.allocUnsafeSlow(32 * 1024)

/** BLAKE2b-256 of the concatenated `parts`. RFC 7693. */
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
  sodium().crypto_generichash(output, input.subarray(0, length))
  return output
}
