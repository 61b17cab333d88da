import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Random } from '../../../base/random.js'

const TOKEN_BYTES = 32

/** A new token, for the fragment of an address. */
export const newToken = (random: Random): string => Buffer.from(random.bytes(TOKEN_BYTES)).toString('base64url')

const digestOf = (text: string): Uint8Array => createHash('sha256').update(text).digest()

/** Compares two tokens in constant time. */
export const isSameSecret = (given: string, secret: string): boolean =>
  timingSafeEqual(digestOf(given), digestOf(secret))

/** The server's response to `challenge`: proves to another holder of the token that the server has the token. */
export const proofOf = (token: string, challenge: string): string =>
  createHmac('sha256', token).update(`persisted-chat web ${challenge}`).digest('base64url')
