import { crypto_generichash } from 'sodium-native'
import { concat } from './bytes.js'

export const HASH_BYTES = 32

/** BLAKE2b-256 of all `parts`, one after the other. RFC 7693. */
export function hash(...parts: readonly Uint8Array[]): Uint8Array {
  const input = concat(parts)
  const output = Buffer.allocUnsafeSlow(HASH_BYTES)
  crypto_generichash(output, Buffer.from(input.buffer, input.byteOffset, input.byteLength))
  return output
}
