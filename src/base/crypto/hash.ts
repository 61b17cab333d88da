import { bufferOf, concat } from '../wire/bytes.js'
import { sodium } from './sodium.js'

export const HASH_BYTES = 32

/** Views of contents shorter than this are cached: creating a view takes a tenth of the time of hashing it. */
const CACHED_VIEWS = 512

/**
 * A running hash: each step changes its value to BLAKE2b-256(value ‖ head ‖ digest), where the digest is BLAKE2b-256 of a content. A
 * content is written to its fixed place, or copied there from the source, so that a step allocates nothing.
 */
export class RunningHash {
  readonly head: Buffer
  /** The hash of the content of this step. */
  readonly digest: Buffer
  /** Where the content of a step is written. */
  readonly content: Buffer
  /** Bytes that contents can be copied from. */
  readonly source: Buffer
  /** Value, head and digest. */
  readonly #step: Buffer
  readonly #value: Buffer
  /** Content and source. */
  readonly #bytes: Buffer
  readonly #saved = new Uint8Array(HASH_BYTES)
  readonly #views = new Array<Buffer | undefined>(CACHED_VIEWS)

  constructor(headBytes: number, contentBytesMax: number, sourceBytesMax = 0) {
    this.#step = Buffer.alloc(HASH_BYTES + headBytes + HASH_BYTES)
    this.#value = this.#step.subarray(0, HASH_BYTES)
    this.head = this.#step.subarray(HASH_BYTES, HASH_BYTES + headBytes)
    this.digest = this.#step.subarray(HASH_BYTES + headBytes)
    this.#bytes = Buffer.allocUnsafeSlow(contentBytesMax + sourceBytesMax)
    this.content = this.#bytes.subarray(0, contentBytesMax)
    this.source = this.#bytes.subarray(contentBytesMax)
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

  /** Copies `length` bytes of the source to `content`. */
  load(offset: number, length: number): void {
    const start = this.content.length + offset
    this.#bytes.copyWithin(0, start, start + length)
  }

  /** Saves the value for `restore`. */
  save(): void {
    this.#saved.set(this.#value)
  }

  restore(): void {
    this.#value.set(this.#saved)
  }

  /** Sets the digest to the hash of the first `length` bytes of `content`. */
  hashContent(length: number): void {
    sodium().crypto_generichash(this.digest, this.#view(length))
  }

  /** Hashes head and digest into the value. */
  step(): void {
    sodium().crypto_generichash(this.#value, this.#step)
  }

  #view(length: number): Buffer {
    if (length >= CACHED_VIEWS) return this.#bytes.subarray(0, length)
    this.#views[length] ??= this.#bytes.subarray(0, length)
    return this.#views[length]
  }
}

/** Joins short inputs without an allocation. */
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

/** BLAKE2b of the concatenated `parts` with a key, `bytes` long. */
export function keyedHash(key: Uint8Array, bytes: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const output = Buffer.allocUnsafe(bytes)
  sodium().crypto_generichash(output, bufferOf(concat(parts)), bufferOf(key))
  return output
}
