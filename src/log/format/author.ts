import { KEY_BYTES } from '../../base/crypto/signing.js'
import { matching } from '../../base/shape.js'
import { hexOf } from '../../base/wire/bytes.js'
import { UNSIGNED_ID_LENGTH_MAX } from '../limits.js'

declare const authorBrand: unique symbol
declare const logBrand: unique symbol

/** An author: their Ed25519 public key as 64 hex digits, or the id of an unsigned author. docs/protocol/logs.md §3.1. */
export type AuthorId = string & { readonly [authorBrand]: true }

/** The id of a log: its author in run 0; in any other run the author, `.`, and the run as 8 hex digits. */
export type LogId = string & { readonly [logBrand]: true }

/** Position of an entry in its log: 1, 2, 3, … without gaps. 0 means the empty log. */
export type Seq = number

/** Number of a log among the logs of one key. */
export type Run = number

const UNSIGNED_ID = new RegExp(`^[A-Za-z0-9_-]{1,${UNSIGNED_ID_LENGTH_MAX}}$`)
const KEY_HEX = /^[0-9a-f]{64}$/
const LOG_ID_PATTERN = /^[0-9a-f]{64}(\.(?!00000000)[0-9a-f]{8})?$/
const KEY_DIGITS = 2 * KEY_BYTES
const RUN_BYTES = 4
const BRANCH_BYTES = 3
const BRANCH_MAX = 0xff_ffff

/** Length of a key and a run in bytes. */
export const LOG_KEY_BYTES = KEY_BYTES + RUN_BYTES

/**
 * `text` as the id of an unsigned author. Undefined if it could be mistaken for a key, or if every object has a property of that name: such
 * ids crash scuttleup peers and must not be relayed to them.
 */
export function unsignedLog(text: string): LogId | undefined {
  if (!UNSIGNED_ID.test(text) || KEY_HEX.test(text.toLowerCase()) || text in Object.prototype) return undefined
  return text as LogId
}

export const authorOfKey = (key: Uint8Array): AuthorId => hexOf(key) as AuthorId

export const authorOfLog = (log: LogId): AuthorId =>
  (isSigned(log) ? log.slice(0, KEY_DIGITS) : (log as string)) as AuthorId

/** The log of an author in a run. */
export const logOf = (author: AuthorId, run: Run = 0): LogId =>
  (run === 0 ? (author as string) : `${author}.${run.toString(16).padStart(2 * RUN_BYTES, '0')}`) as LogId

/** The log that is signed with this key. */
export const logOfKey = (key: Uint8Array, run: Run = 0): LogId => logOf(authorOfKey(key), run)

/** The key of a signed log; undefined for an unsigned one. */
export const keyOf = (author: AuthorId | LogId): Uint8Array | undefined =>
  isSigned(author) ? Buffer.from(author.slice(0, KEY_DIGITS), 'hex') : undefined

/** The run of a log; 0 for the log of an unsigned author. */
export const runOf = (log: LogId): Run =>
  log.length > KEY_DIGITS && isSigned(log) ? Number.parseInt(log.slice(KEY_DIGITS + 1), 16) : 0

/**
 * Whether a run is a branch: one of the histories of another run from a proven fork on. Runs that authors open have higher numbers.
 * docs/protocol/logs.md §3.7.
 */
export const isBranch = (log: LogId): boolean => {
  const run = runOf(log)
  return run !== 0 && run <= BRANCH_MAX
}

/** The branch of a key whose first entry has the chain value `chain`. */
export const branchOf = (key: Uint8Array, chain: Uint8Array): LogId =>
  logOfKey(key, Math.max(1, Buffer.from(chain.subarray(0, BRANCH_BYTES)).readUIntBE(0, BRANCH_BYTES)))

/** Key ‖ u32 run of a signed log; undefined for an unsigned one. */
export function logKeyOf(log: LogId): Uint8Array | undefined {
  const key = keyOf(log)
  return key === undefined ? undefined : logKey(key, runOf(log))
}

/** Key ‖ u32 run. */
export function logKey(key: Uint8Array, run: Run): Uint8Array {
  const bytes = Buffer.allocUnsafe(key.length + RUN_BYTES)
  bytes.set(key)
  bytes.writeUInt32BE(run, key.length)
  return bytes
}

/** The log of key ‖ u32 run at the beginning of `bytes`. */
export function logOfLogKey(bytes: Uint8Array): LogId {
  const run = Buffer.from(bytes.buffer, bytes.byteOffset + KEY_BYTES, RUN_BYTES).readUInt32BE()
  return logOfKey(bytes.subarray(0, KEY_BYTES), run)
}

/** Caches the last id found to be signed, because consecutive entries belong to few logs. */
let lastSigned = ''

export function isSigned(author: AuthorId | LogId): boolean {
  if (author === lastSigned) return true
  if (author.length < KEY_DIGITS || !LOG_ID_PATTERN.test(author)) return false
  lastSigned = author
  return true
}

/** `text` as an author, signed or not. */
export const authorOf = (text: string): AuthorId | undefined =>
  KEY_HEX.test(text) || unsignedLog(text) !== undefined ? (text as AuthorId) : undefined

/** `text` as the id of any log, signed or not. */
export const logIdOf = (text: string): LogId | undefined =>
  LOG_ID_PATTERN.test(text) ? (text as LogId) : unsignedLog(text)

const EXAMPLE_KEY = '3fa1c20e'.repeat(KEY_DIGITS / 8)

/** The shapes of an author and of a log in JSON. */
export const AUTHOR_ID = matching(authorOf, EXAMPLE_KEY)
export const LOG_ID = matching(logIdOf, EXAMPLE_KEY)
