import { bufferOf } from '../wire/bytes.js'
import { sodium } from './sodium.js'

export const SEED_BYTES = 32
export const KEY_BYTES = 32
export const SIGNATURE_BYTES = 64
const SECRET_BYTES = 64

/** An Ed25519 key pair (RFC 8032). The secret key is not exposed. */
export interface KeyPair {
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

/** The key pair of a seed of 32 bytes. */
export function keyPairOf(seed: Uint8Array): KeyPair {
  const publicKey = Buffer.allocUnsafeSlow(KEY_BYTES)
  const secretKey = Buffer.allocUnsafeSlow(SECRET_BYTES)
  sodium().crypto_sign_seed_keypair(publicKey, secretKey, bufferOf(seed))
  return {
    publicKey,
    sign: message => {
      const signature = Buffer.allocUnsafeSlow(SIGNATURE_BYTES)
      sodium().crypto_sign_detached(signature, bufferOf(message), secretKey)
      return signature
    },
  }
}

/** Verifies an Ed25519 signature. False for anything malformed, and for keys of small order. */
export function isSignature(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || publicKey.length !== KEY_BYTES) return false
  return sodium().crypto_sign_verify_detached(bufferOf(signature), bufferOf(message), bufferOf(publicKey))
}
