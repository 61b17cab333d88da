import { bufferOf, concat, sameBytes } from '../wire/bytes.js'
import { nativeHash, sodium } from './sodium.js'

export const HASH_BYTES = 32

/**
 * A running hash: each step changes its value to BLAKE2b-256(value ‖ head ‖ digest), where the digest is BLAKE2b-256 of the content.
 * The content is hashed in place, so that a step copies and allocates nothing.
 */
export class RunningHash {
  readonly head: Uint8Array
  /** The hash of the content of this step. */
  readonly digest: Uint8Array
  /** Value, head and digest. */
  readonly #step: Uint8Array
  readonly #value: Uint8Array
  readonly #saved = new Uint8Array(HASH_BYTES)
  readonly #hash = nativeHash()

  constructor(headBytes: number) {
    this.#step = new Uint8Array(HASH_BYTES + headBytes + HASH_BYTES)
    this.#value = this.#step.subarray(0, HASH_BYTES)
    this.head = this.#step.subarray(HASH_BYTES, HASH_BYTES + headBytes)
    this.digest = this.#step.subarray(HASH_BYTES + headBytes)
  }

  get value(): Uint8Array {
    return new Uint8Array(this.#value)
  }

  set value(value: Uint8Array) {
    this.#value.set(value)
  }

  /** Whether the running hash equals `value`. */
  equals(value: Uint8Array): boolean {
    return sameBytes(this.#value, value)
  }

  /** Saves the value for `restore`. */
  save(): void {
    this.#saved.set(this.#value)
  }

  restore(): void {
    this.#value.set(this.#saved)
  }

  /** Sets the digest to the hash of `bytes` from `start` to `end`. */
  hashContent(bytes: Uint8Array, start: number, end: number): void {
    this.#into(this.digest.byteOffset, bytes.buffer, bytes.byteOffset + start, end - start)
  }

  /** Hashes head and digest into the value. */
  step(): void {
    this.#into(0, this.#step.buffer, 0, this.#step.length)
  }

  #into(offset: number, input: ArrayBufferLike, inputOffset: number, inputBytes: number): void {
    this.#hash(this.#step.buffer, offset, HASH_BYTES, input, inputOffset, inputBytes, NO_KEY, 0, 0)
  }
}

const NO_KEY = new ArrayBuffer(0)

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
