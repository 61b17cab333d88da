import { hexOf } from '../../base/wire/bytes.js'
import { UNSIGNED_ID_LENGTH_MAX } from '../limits.js'

declare const authorBrand: unique symbol

/** The author of a log: an Ed25519 public key as 64 hex digits, or the id of an unsigned author. docs/protocol/logs.md §3.1. */
export type AuthorId = string & { readonly [authorBrand]: true }

/** Position of an entry in its log: 1, 2, 3, … without gaps. 0 means the empty log. */
export type Seq = number

const UNSIGNED_ID = new RegExp(`^[A-Za-z0-9_-]{1,${UNSIGNED_ID_LENGTH_MAX}}$`)
const KEY_HEX = /^[0-9a-f]{64}$/

/**
 * `text` as the id of an unsigned author. Undefined if it could be mistaken for a key, or is the name of a property that every
 * object has: such ids crash scuttleup peers and must not be relayed to them.
 */
export function unsignedAuthor(text: string): AuthorId | undefined {
  if (!UNSIGNED_ID.test(text) || KEY_HEX.test(text.toLowerCase()) || text in Object.prototype) return undefined
  return text as AuthorId
}

/** The author whose log is signed with this key. */
export const authorOfKey = (key: Uint8Array): AuthorId => hexOf(key) as AuthorId

/** The key of a signed author; undefined for an unsigned one. */
export const keyOf = (author: AuthorId): Uint8Array | undefined =>
  KEY_HEX.test(author) ? Buffer.from(author, 'hex') : undefined

/** The last signed author that was asked about: consecutive entries have few authors. */
let lastSigned = ''

export function isSigned(author: AuthorId): boolean {
  if (author === lastSigned) return true
  if (author.length !== 64 || !KEY_HEX.test(author)) return false
  lastSigned = author
  return true
}

/** `text` as the id of any author, signed or not. */
export const authorOf = (text: string): AuthorId | undefined =>
  KEY_HEX.test(text) ? (text as AuthorId) : unsignedAuthor(text)
