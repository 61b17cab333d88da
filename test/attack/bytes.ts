// The hostile peer and its parts import nothing of the program except its cryptography package. They are written from docs/protocol alone,
// to show that the documents are sufficient.
import { createRequire } from 'node:module'

/** The functions that are used of the package. */
interface Sodium {
  crypto_generichash(out: Buffer, message: Buffer, key?: Buffer): void
  crypto_sign_seed_keypair(publicKey: Buffer, secretKey: Buffer, seed: Buffer): void
  crypto_sign_detached(signature: Buffer, message: Buffer, secretKey: Buffer): void
  crypto_scalarmult_base(publicKey: Buffer, secretKey: Buffer): void
  crypto_scalarmult(shared: Buffer, secretKey: Buffer, publicKey: Buffer): void
  crypto_aead_chacha20poly1305_ietf_encrypt(
    out: Buffer,
    message: Buffer,
    data: Buffer,
    secretNonce: null,
    nonce: Buffer,
    key: Buffer,
  ): number
  crypto_secretstream_xchacha20poly1305_init_push(state: Buffer, header: Buffer, key: Buffer): void
  crypto_secretstream_xchacha20poly1305_push(
    state: Buffer,
    out: Buffer,
    message: Buffer,
    data: null,
    tag: number,
  ): number
  crypto_secretstream_xchacha20poly1305_init_pull(state: Buffer, header: Buffer, key: Buffer): void
  crypto_secretstream_xchacha20poly1305_pull(
    state: Buffer,
    out: Buffer,
    tag: Buffer,
    sealed: Buffer,
    data: null,
  ): number
}

export const sodium: Sodium = createRequire(import.meta.url)('sodium-native')

export const utf8 = (text: string): Buffer => Buffer.from(text)

export const blake = (...parts: readonly Uint8Array[]): Buffer => {
  const out = Buffer.alloc(32)
  sodium.crypto_generichash(out, Buffer.concat(parts))
  return out
}

export const keyedBlake = (key: Buffer, ...parts: readonly Uint8Array[]): Buffer => {
  const out = Buffer.alloc(32)
  sodium.crypto_generichash(out, Buffer.concat(parts), key)
  return out
}

export function varint(value: number): Buffer {
  const out: number[] = []
  let rest = value
  while (rest >= 128) {
    out.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return Buffer.from([...out, rest])
}

export function readVarint(
  bytes: Uint8Array,
  at: number,
): { readonly value: number; readonly next: number } | undefined {
  let value = 0
  for (let index = 0, factor = 1; index < 8; index++, factor *= 128) {
    const byte = bytes[at + index]
    if (byte === undefined) return undefined
    value += (byte % 128) * factor
    if (byte < 128) return { value, next: at + index + 1 }
  }
  return undefined
}

export const frame = (...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([varint(body.length), body])
}

export const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const varintField = (number: number, value: number): Buffer => Buffer.concat([varint(8 * number), varint(value)])

export const bytesField = (number: number, value: Uint8Array): Buffer =>
  Buffer.concat([varint(8 * number + 2), varint(value.length), value])

/** Splits received bytes into pieces. */
export class Cutter {
  #bytes = Buffer.alloc(0)

  get length(): number {
    return this.#bytes.length
  }

  push(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
  }

  /** The next `count` bytes. */
  take(count: number): Buffer | undefined {
    if (this.#bytes.length < count) return undefined
    const taken = this.#bytes.subarray(0, count)
    this.#bytes = this.#bytes.subarray(count)
    return taken
  }

  /** The body of the next frame. */
  frame(): Buffer | undefined {
    const length = readVarint(this.#bytes, 0)
    if (length === undefined || this.#bytes.length < length.next + length.value) return undefined
    return this.take(length.next + length.value)?.subarray(length.next)
  }

  /** The next record, without its length. */
  record(): Buffer | undefined {
    if (this.#bytes.length < 2) return undefined
    const end = 2 + this.#bytes.readUInt16BE(0)
    return this.take(end)?.subarray(2)
  }
}
