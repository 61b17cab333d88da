import { KEY_BYTES } from '../../base/crypto/signing.js'
import { concat, hexOf } from '../../base/wire/bytes.js'
import { UNSIGNED_ID_LENGTH_MAX } from '../limits.js'

declare const authorBrand: unique symbol

/**
 * The id of a log. Of a signed log: its Ed25519 public key as 64 hex digits, followed, unless the run is 0, by `.` and the run as 8
 * hex digits. Otherwise the id of an unsigned author. docs/protocol/logs.md §3.1.
 */
export type AuthorId = string & { readonly [authorBrand]: true }

/** Position of an entry in its log: 1, 2, 3, … without gaps. 0 means the empty log. */
export type Seq = number

/** Number of a log among those of one key. */
export type Run = number

const UNSIGNED_ID = new RegExp(`^[A-Za-z0-9_-]{1,${UNSIGNED_ID_LENGTH_MAX}}$`)
const KEY_HEX = /^[0-9a-f]{64}$/
const LOG_ID = /^[0-9a-f]{64}(\.(?!00000000)[0-9a-f]{8})?$/
const KEY_DIGITS = 2 * KEY_BYTES
const RUN_BYTES = 4

/** Length of a key and a run in bytes. */
export const LOG_KEY_BYTES = KEY_BYTES + RUN_BYTES

/**
 * `text` as the id of an unsigned author. Undefined if it could be mistaken for a key, or is the name of a property that every
 * object has: such ids crash scuttleup peers and must not be relayed to them.
 */
export function unsignedAuthor(text: string): AuthorId | undefined {
  if (!UNSIGNED_ID.test(text) || KEY_HEX.test(text.toLowerCase()) || text in Object.prototype) return undefined
  return text as AuthorId
}

/** The log that is signed with this key. */
export const authorOfKey = (key: Uint8Array, run: Run = 0): AuthorId =>
  (run === 0 ? hexOf(key) : `${hexOf(key)}.${run.toString(16).padStart(2 * RUN_BYTES, '0')}`) as AuthorId

/** The key of a signed log; undefined for an unsigned one. */
export const keyOf = (author: AuthorId): Uint8Array | undefined =>
  isSigned(author) ? Buffer.from(author.slice(0, KEY_DIGITS), 'hex') : undefined

/** The run of a signed log. */
export const runOf = (author: AuthorId): Run =>
  author.length === KEY_DIGITS ? 0 : Number.parseInt(author.slice(KEY_DIGITS + 1), 16)

/** Key ‖ u32 run of a signed log; undefined for an unsigned one. */
export function logKeyOf(author: AuthorId): Uint8Array | undefined {
  const key = keyOf(author)
  return key === undefined ? undefined : logKey(key, runOf(author))
}

/** Key ‖ u32 run. */
export function logKey(key: Uint8Array, run: Run): Uint8Array {
  const bytes = Buffer.alloc(RUN_BYTES)
  bytes.writeUInt32BE(run)
  return concat([key, bytes])
}

/** The log of key ‖ u32 run at the beginning of `bytes`. */
export function authorOfLogKey(bytes: Uint8Array): AuthorId {
  const run = Buffer.from(bytes.buffer, bytes.byteOffset + KEY_BYTES, RUN_BYTES).readUInt32BE()
  return authorOfKey(bytes.subarray(0, KEY_BYTES), run)
}

/** The last signed log that was asked about: consecutive entries are of few logs. */
let lastSigned = ''

export function isSigned(author: AuthorId): boolean {
  if (author === lastSigned) return true
  if (author.length < KEY_DIGITS || !LOG_ID.test(author)) return false
  lastSigned = author
  return true
}

/** `text` as the id of any log, signed or not. */
export const authorOf = (text: string): AuthorId | undefined =>
  LOG_ID.test(text) ? (text as AuthorId) : unsignedAuthor(text)
