import { crypto_generichash } from 'sodium-native'

export const HASH_BYTES = 32

/** Inputs are gathered here: an entry and what is hashed with it fit, and nothing is allocated for them. */
const scratch = Buffer.allocUnsafeSlow(32 * 1024)

/** BLAKE2b-256 of all `parts`, one after the other. RFC 7693. */
export function hash(...parts: readonly Uint8Array[]): Uint8Array {
  const output = Buffer.allocUnsafe(HASH_BYTES)
  hashInto(output, parts)
  return output
}

/** The same into `output`, which may be one of the parts. */
export function hashInto(output: Buffer, parts: readonly Uint8Array[]): void {
  let length = 0
  for (const part of parts) length += part.length
  const input = length <= scratch.length ? scratch : Buffer.allocUnsafe(length)
  let offset = 0
  for (const part of parts) {
    input.set(part, offset)
    offset += part.length
  }
  crypto_generichash(output, input.subarray(0, length))
}
