import { createHash, createHmac, randomBytes } from 'node:crypto'
import { sodium, utf8 } from './bytes.js'

const HASH = 'blake2b512'
const NOTHING = Buffer.alloc(0)

const hmac = (key: Buffer, data: Buffer): Buffer => createHmac(HASH, key).update(data).digest()

function hkdf(key: Buffer, material: Buffer): readonly [Buffer, Buffer] {
  const secret = hmac(key, material)
  const first = hmac(secret, Buffer.of(1))
  return [first, hmac(secret, Buffer.concat([first, Buffer.of(2)]))]
}

/** `Noise_NN_25519_ChaChaPoly_BLAKE2b`, after revision 34 of the Noise specification. docs/protocol/wire.md §2.3. */
export class NoiseNN {
  readonly #isInitiator: boolean
  readonly #secret = randomBytes(32)
  readonly publicKey = Buffer.alloc(32)
  #hash: Buffer = Buffer.concat([utf8('Noise_NN_25519_ChaChaPoly_BLAKE2b'), Buffer.alloc(64)]).subarray(0, 64)
  #chainingKey: Buffer = this.#hash
  #key: Buffer = NOTHING

  constructor(isInitiator: boolean, prologue: Buffer) {
    this.#isInitiator = isInitiator
    sodium.crypto_scalarmult_base(this.publicKey, this.#secret)
    this.#mix(prologue)
  }

  get hash(): Buffer {
    return this.#hash
  }

  /** The initiator's only message. */
  first(): Buffer {
    this.#mix(this.publicKey)
    this.#mix(NOTHING)
    return this.publicKey
  }

  readFirst(theirs: Buffer): void {
    this.#mix(theirs)
    this.#mix(NOTHING)
    this.#agree(theirs, this.publicKey)
  }

  /** The responder's answer, after `readFirst`. */
  second(): Buffer {
    return Buffer.concat([this.publicKey, this.#seal()])
  }

  /** The initiator reads the answer; the tag proves nothing that the records do not. */
  readSecond(message: Buffer): void {
    const theirs = message.subarray(0, 32)
    this.#agree(theirs, theirs)
    this.#mix(message.subarray(32))
  }

  /** The keys of both directions. */
  split(): { readonly send: Buffer; readonly receive: Buffer } {
    const [first, second] = hkdf(this.#chainingKey, NOTHING).map(key => key.subarray(0, 32)) as [Buffer, Buffer]
    return this.#isInitiator ? { send: first, receive: second } : { send: second, receive: first }
  }

  /** `fresh`: the ephemeral key of the second message. */
  #agree(theirs: Buffer, fresh: Buffer): void {
    this.#mix(fresh)
    const shared = Buffer.alloc(32)
    sodium.crypto_scalarmult(shared, this.#secret, theirs)
    const [chainingKey, key] = hkdf(this.#chainingKey, shared)
    this.#chainingKey = chainingKey
    this.#key = key.subarray(0, 32)
  }

  #seal(): Buffer {
    const tag = Buffer.alloc(16)
    sodium.crypto_aead_chacha20poly1305_ietf_encrypt(tag, NOTHING, this.#hash, null, Buffer.alloc(12), this.#key)
    this.#mix(tag)
    return tag
  }

  #mix(data: Buffer): void {
    this.#hash = createHash(HASH).update(this.#hash).update(data).digest()
  }
}
