import type Noise from 'noise-handshake'
import { requirePackage } from '../packages.js'
import { bufferOf, EMPTY } from '../wire/bytes.js'
import { sodium } from './sodium.js'

/** Bytes of an X25519 key. */
export const EPHEMERAL_BYTES = 32

/** The results of a completed handshake, which both sides share. */
export interface NoiseKeys {
  /** Identifies this handshake: it covers the prologue, both ephemeral keys and both roles. */
  readonly hash: Uint8Array
  readonly sendKey: Uint8Array
  readonly receiveKey: Uint8Array
}

/**
 * One side of a `Noise_NN_25519_ChaChaPoly_BLAKE2b` handshake, whose ephemeral secret comes from the caller. The initiator writes,
 * then reads; the responder reads, then writes. The pattern authenticates neither side: each proves its key afterwards.
 */
export class NoiseHandshake {
  readonly #noise: Noise

  constructor(isInitiator: boolean, prologue: Uint8Array, ephemeralSecret: Uint8Array) {
    const Handshake = requirePackage('noise-handshake') as typeof Noise
    const ephemeral = { publicKey: Buffer.alloc(EPHEMERAL_BYTES), secretKey: Buffer.from(ephemeralSecret) }
    sodium().crypto_scalarmult_base(ephemeral.publicKey, ephemeral.secretKey)
    const curve = { ALG: '25519', PKLEN: EPHEMERAL_BYTES, generateKeyPair: () => ephemeral, dh: sharedSecret }
    // The pattern has no static keys. Without the ephemeral key, the package would generate a pair.
    this.#noise = new Handshake('NN', isInitiator, ephemeral, { curve })
    this.#noise.initialise(bufferOf(prologue))
  }

  /** The next message. Undefined if the other side's key is of small order. */
  write(payload: Uint8Array = EMPTY): Uint8Array | undefined {
    try {
      return this.#noise.send(bufferOf(payload))
    } catch {
      return undefined
    }
  }

  /** The payload of the other side's message. Undefined if it is malformed, not authentic, or its key is of small order. */
  read(message: Uint8Array): Uint8Array | undefined {
    try {
      return this.#noise.recv(Buffer.from(message)) // a copy, because the package erases the keys in it
    } catch {
      return undefined
    }
  }

  /** Undefined before the second message. */
  get keys(): NoiseKeys | undefined {
    const { complete, hash, tx: sendKey, rx: receiveKey } = this.#noise
    return complete ? { hash, sendKey, receiveKey } : undefined
  }
}

function sharedSecret(publicKey: Buffer, { secretKey }: { readonly secretKey: Buffer }): Buffer {
  const shared = Buffer.alloc(EPHEMERAL_BYTES)
  sodium().crypto_scalarmult(shared, secretKey, publicKey)
  return shared
}
