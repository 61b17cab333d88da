import { createCipheriv } from 'node:crypto'
import { x25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { expand, extract } from '@noble/hashes/hkdf.js'

// A second implementation of the sealed connection, docs/protocol/wire.md §2.3, on other cryptographic libraries. It uses
// nothing of src/.

const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))
const words = (text: string): Uint8Array => new TextEncoder().encode(text)
const EMPTY = new Uint8Array(0)

/** The state of a Noise handshake of the pattern NN, over the messages of both sides. */
export interface OracleNoise {
  readonly messages: readonly [Uint8Array, Uint8Array]
  readonly hash: Uint8Array
  /** The key of the initiator's direction, and of the responder's. */
  readonly keys: readonly [Uint8Array, Uint8Array]
}

/** `Noise_NN_25519_ChaChaPoly_BLAKE2b`. noiseprotocol.org/noise.html §5, §7. */
export function noiseNN(
  prologue: Uint8Array,
  initiatorSecret: Uint8Array,
  responderSecret: Uint8Array,
  payloads: readonly [Uint8Array, Uint8Array] = [EMPTY, EMPTY],
): OracleNoise {
  const start = new Uint8Array(64)
  start.set(words('Noise_NN_25519_ChaChaPoly_BLAKE2b'))
  const mixed = (hash: Uint8Array, ...data: readonly Uint8Array[]): Uint8Array => blake2b(joined(hash, ...data))
  const derived = (chainingKey: Uint8Array, input: Uint8Array): [Uint8Array, Uint8Array] => {
    const bytes = expand(blake2b, extract(blake2b, input, chainingKey), undefined, 128)
    return [bytes.slice(0, 64), bytes.slice(64, 96)]
  }
  const [initiator, responder] = [x25519.getPublicKey(initiatorSecret), x25519.getPublicKey(responderSecret)]
  let hash = mixed(mixed(mixed(start, prologue), initiator), payloads[0])
  hash = mixed(hash, responder)
  const [chainingKey, key] = derived(start, x25519.getSharedSecret(responderSecret, initiator))
  const cipher = createCipheriv('chacha20-poly1305', key, new Uint8Array(12), { authTagLength: 16 })
  cipher.setAAD(hash, { plaintextLength: payloads[1].length })
  const sealed = joined(cipher.update(payloads[1]), cipher.final(), cipher.getAuthTag())
  hash = mixed(hash, sealed)
  const [first, second] = derived(chainingKey, EMPTY)
  return {
    messages: [joined(initiator, payloads[0]), joined(responder, sealed)],
    hash,
    keys: [first.slice(0, 32), second],
  }
}

/** The records of one direction, libsodium's secretstream: doc.libsodium.org/secret-key_cryptography/secretstream. */
export class OracleRecords {
  readonly #key: Uint8Array
  readonly #nonce: Uint8Array
  #header: Uint8Array

  constructor(key: Uint8Array, header: Uint8Array) {
    this.#key = hchacha20(key, header.subarray(0, 16))
    this.#nonce = joined(Uint8Array.of(1, 0, 0, 0), header.subarray(16))
    this.#header = header
  }

  record(text: Uint8Array, isFinal = false): Uint8Array {
    const block = new Uint8Array(64)
    block[0] = isFinal ? 3 : 0
    const tag = this.#stream(1, block)
    const sealed = this.#stream(2, text)
    const lengths = new Uint8Array(16)
    new DataView(lengths.buffer).setBigUint64(8, BigInt(64 + text.length), true)
    const padding = new Uint8Array((16 - 64 + text.length) & 15)
    const mac = poly1305(this.#stream(0, new Uint8Array(32)), joined(tag, sealed, padding, lengths))
    for (let i = 0; i < 8; i++) this.#nonce[4 + i] = (this.#nonce[4 + i] ?? 0) ^ (mac[i] ?? 0)
    const counter = new DataView(this.#nonce.buffer)
    counter.setUint32(0, counter.getUint32(0, true) + 1, true)
    const message = joined(this.#header, tag.subarray(0, 1), sealed, mac)
    this.#header = EMPTY
    return joined(Uint8Array.of(message.length >> 8, message.length & 0xff), message)
  }

  /** ChaCha20 (RFC 8439) from a block on. */
  #stream(block: number, text: Uint8Array): Uint8Array {
    const iv = joined(Uint8Array.of(block, 0, 0, 0), this.#nonce)
    return Uint8Array.from(createCipheriv('chacha20', this.#key, iv).update(text))
  }
}

/** draft-irtf-cfrg-xchacha §2.2. */
function hchacha20(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  const input = new DataView(joined(words('expand 32-byte k'), key, nonce).buffer)
  const state = Uint32Array.from({ length: 16 }, (_, i) => input.getUint32(4 * i, true))
  const at = (i: number): number => state[i] ?? 0
  const turn = (into: number, added: number, mixed: number, bits: number): void => {
    state[into] = at(into) + at(added)
    const value = at(mixed) ^ at(into)
    state[mixed] = (value << bits) | (value >>> (32 - bits))
  }
  const quarter = (a: number, b: number, c: number, d: number): void => {
    turn(a, b, d, 16)
    turn(c, d, b, 12)
    turn(a, b, d, 8)
    turn(c, d, b, 7)
  }
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 4; i++) quarter(i, i + 4, i + 8, i + 12)
    for (let i = 0; i < 4; i++) quarter(i, ((i + 1) % 4) + 4, ((i + 2) % 4) + 8, ((i + 3) % 4) + 12)
  }
  const output = new DataView(new ArrayBuffer(32))
  ;[0, 1, 2, 3, 12, 13, 14, 15].forEach((word, i) => void output.setUint32(4 * i, at(word), true))
  return new Uint8Array(output.buffer)
}

/** RFC 8439 §2.5. */
function poly1305(key: Uint8Array, message: Uint8Array): Uint8Array {
  const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex') || '0'}`)
  const factor = number(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn
  let sum = 0n
  for (let from = 0; from < message.length; from += 16)
    sum = ((sum + number(joined(message.subarray(from, from + 16), Uint8Array.of(1)))) * factor) % (2n ** 130n - 5n)
  const mac = (sum + number(key.subarray(16, 32))) % 2n ** 128n
  return Uint8Array.from(Buffer.from(mac.toString(16).padStart(32, '0'), 'hex').reverse())
}
