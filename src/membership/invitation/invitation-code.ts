import { hash } from '../../base/crypto/hash.js'
import { concat, sameBytes, utf8 } from '../../base/wire/bytes.js'
import { fromBase32, toBase32 } from './base32.js'

// The code that one person gives another to enter a room. docs/protocol/membership.md §9.8.

const SEED_BYTES = 16
const VERSION = 1
const COMMITMENT_BYTES = 10
const CHECKSUM_BYTES = 3
const PREFIX = 'PC'
const DIGITS = (8 * (1 + COMMITMENT_BYTES + SEED_BYTES + CHECKSUM_BYTES)) / 5
/** Longer text is not parsed: codes are shorter, even with spaces. */
const TEXT_LENGTH_MAX = 256

/** The content of a code. */
export interface InvitationCode {
  /** Binds the code to a room without revealing it. */
  readonly commitment: Uint8Array
  /** The secret that the keys of the invitation are derived from. */
  readonly seed: Uint8Array
}

/** Why a text is not a code. */
type CodeFault =
  /** It has fewer or more characters than a code. */
  | { readonly kind: 'incomplete' | 'too-long'; readonly digits: number; readonly expected: number }
  | { readonly kind: 'foreign-character'; readonly character: string }
  /** A character is wrong, or two are swapped. */
  | { readonly kind: 'mistyped' }
  /** It was made by a later version. */
  | { readonly kind: 'unknown-version'; readonly version: number }

export type CodeRead = { readonly kind: 'code'; readonly code: InvitationCode } | CodeFault

/** The code of an invitation: `PC-` and 12 groups of 4 characters. */
export function writeCode(room: Uint8Array, seed: Uint8Array): string {
  const body = concat([Uint8Array.of(VERSION), commitmentTo(room), seed])
  const digits = toBase32(concat([body, checksumOf(body)]))
  return `${PREFIX}-${digits.match(/.{4}/g)?.join('-')}`
}

/** Reads a code as people type it: case, hyphens, white space and the prefix do not matter. */
export function readCode(text: string): CodeRead {
  const given = text
    .slice(0, TEXT_LENGTH_MAX)
    .toUpperCase()
    .replace(/[\s\p{Pd}]/gu, '')
  // No version begins with the digit P.
  const digits = given.startsWith(PREFIX) ? given.slice(PREFIX.length) : given
  const foreign = /[^0-9A-TV-Z]/u.exec(digits)?.[0]
  if (foreign !== undefined) return { kind: 'foreign-character', character: foreign }
  if (digits.length < DIGITS) return { kind: 'incomplete', digits: digits.length, expected: DIGITS }
  if (digits.length > DIGITS) return { kind: 'too-long', digits: digits.length, expected: DIGITS }
  const bytes = fromBase32(digits) ?? new Uint8Array(0)
  const body = bytes.subarray(0, -CHECKSUM_BYTES)
  if (!sameBytes(checksumOf(body), bytes.subarray(-CHECKSUM_BYTES))) return { kind: 'mistyped' }
  const version = body[0] ?? 0
  if (version !== VERSION) return { kind: 'unknown-version', version }
  return {
    kind: 'code',
    code: { commitment: body.slice(1, 1 + COMMITMENT_BYTES), seed: body.slice(1 + COMMITMENT_BYTES) },
  }
}

/** Whether a code is for this room, so that nobody can present another room under the code. */
export const isCodeFor = ({ commitment }: InvitationCode, room: Uint8Array): boolean =>
  sameBytes(commitment, commitmentTo(room))

const commitmentTo = (room: Uint8Array): Uint8Array =>
  hash(utf8('persisted-chat/commit/1'), room).subarray(0, COMMITMENT_BYTES)

const checksumOf = (body: Uint8Array): Uint8Array =>
  hash(utf8('persisted-chat/code/1'), body).subarray(0, CHECKSUM_BYTES)
