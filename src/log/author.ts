import { UNSIGNED_ID_LENGTH_MAX } from '../base/limits.js'
import type { Random } from '../base/random.js'

declare const authorBrand: unique symbol

/** Who appends to a log: an Ed25519 public key as 64 hex digits, or the id of an unsigned author. PROTOCOL.md §3.1. */
export type AuthorId = string & { readonly [authorBrand]: true }

/** Place of an entry in its log: 1, 2, 3, … without holes. 0 stands for the empty log. */
export type Seq = number

const UNSIGNED_ID = new RegExp(`^[A-Za-z0-9_-]{1,${UNSIGNED_ID_LENGTH_MAX}}$`)
const KEY_HEX = /^[0-9a-f]{64}$/
const DIGITS = 'abcdefghijklmnopqrstuvwxyz234567'

/**
 * `text` as the id of an unsigned author. Undefined where it could be taken for a key, or names a property that every
 * object has: the original program dies on those, and they must not be carried to it.
 */
export function unsignedAuthor(text: string): AuthorId | undefined {
  if (!UNSIGNED_ID.test(text) || KEY_HEX.test(text.toLowerCase()) || text in Object.prototype) return undefined
  return text as AuthorId
}

/** A fresh id of an unsigned author: `c` and 120 random bits, as long as the ids that scuttleup makes. */
export function freshUnsignedAuthor(random: Random): AuthorId {
  return `c${[...random.bytes(24)].map(byte => DIGITS[byte % DIGITS.length]).join('')}` as AuthorId
}
