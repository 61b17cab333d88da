import { ChatError } from '../../base/errors.js'
import { bufferOf, concat, textOf, utf8 } from '../../base/wire/bytes.js'
import { ENTRY_BYTES_MAX } from '../limits.js'
import type { LogId, Seq } from './author.js'
import { isControl, isWellFormedControl } from './control.js'
import { EARLIEST, HLC_LENGTH, type Hlc, hlcOf, millisOf } from './hybrid-clock.js'
import { AT_BYTES, entryStart, isControlStub, isStub, SALT_BYTES } from './packed.js'

/** The entry at (author, seq). It never changes. */
export interface Entry {
  readonly author: LogId
  readonly seq: Seq
  /** Its position in the conversation on this peer. */
  readonly at: Hlc
  /** The bytes of one JSON object with own string members `username` and `message`. docs/protocol/logs.md §3.2. */
  readonly entry: Uint8Array
  /** The random bytes that are hashed with it; absent in the log of an unsigned author. */
  readonly salt?: Uint8Array
  /** The author's signature over all entries up to this one, if this peer has it. */
  readonly signature?: Uint8Array | undefined
  /** Whether it is dated too far ahead of the reader's clock. */
  readonly isAhead?: true
  /** Present if this object stands for places without content. Then `entry` is empty, and `seq` and `at` are those of the first place. */
  readonly gap?: Gap
}

/** Consecutive places of one log without content. */
export interface Gap {
  readonly count: number
  readonly state: GapState
}

/**
 * Why places have no content: the content was deleted, does not fit on this disk, is older than the room keeps, is not given to us, or was
 * not sent yet.
 */
export type GapState = 'deleted' | 'kept-out' | 'expired' | 'not-given' | 'missing'

/** The members of an entry's JSON object. */
export type Members = Readonly<Record<string, unknown>> & { readonly username: string; readonly message: string }

const PREFIX = Buffer.from('{"at":"')
/** Largest number of UTF-8 bytes per UTF-16 code unit. */
const UNIT_BYTES_MAX = 3
/** The last byte of an entry. Between scuttleup peers `"salt"` and `"sig"` are inserted before it. */
const CLOSING_BRACE = 0x7d
/** `time` is written beside `at` only if the writer's clock differs from `at` by more than this. */
const TIME_DIFFERENCE_MS_MIN = 60_000

/**
 * The text of a new entry: `at`, whose milliseconds are `atMs`, then `members` in their order. Throws BAD_MESSAGE if the result would
 * be invalid.
 */
export function entryText(at: Hlc, nowMs: number, members: Members, atMs: number = millisOf(at)): string {
  const time = Math.abs(atMs - nowMs) > TIME_DIFFERENCE_MS_MIN ? `"time":${Math.floor(nowMs)},` : ''
  const plain = plainJson(members)
  const text = `{"at":"${at}",${time}${plain ?? JSON.stringify(members).slice(1)}`
  const bytes = text.length * UNIT_BYTES_MAX > ENTRY_BYTES_MAX ? Buffer.byteLength(text) : text.length
  if (bytes > ENTRY_BYTES_MAX) {
    throw new ChatError(
      'BAD_MESSAGE',
      `the message takes ${bytes} bytes, but an entry has at most ${ENTRY_BYTES_MAX}`,
      {
        hint: 'Split it into several messages.',
      },
    )
  }
  // Another member may overwrite username or message. Peers would reject such an entry and all entries after it.
  if (plain === undefined && validHlc(utf8(text), EARLIEST) !== at)
    throw new ChatError('BAD_MESSAGE', 'the message does not form a valid entry')
  return text
}

/** The JSON of exactly username and message, without its opening brace. It is always valid. */
function plainJson(members: Members): string | undefined {
  const names = Object.keys(members)
  const { username, message } = members
  if (names.length !== 2 || names[0] !== 'username' || names[1] !== 'message' || 'toJSON' in members) return undefined
  if (typeof username !== 'string' || typeof message !== 'string') return undefined
  return `"username":${quoted(username)},"message":${quoted(message)}}`
}

/** Characters that JSON.stringify may escape. Includes all surrogates, because it escapes lone ones. */
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/

const quoted = (text: string): string => (NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`)

/** The members of an entry; undefined for anything that is not a JSON object with both strings. */
export function decodeEntry(entry: Uint8Array): Members | undefined {
  if (entry.length > ENTRY_BYTES_MAX) return undefined
  const text = textOf(entry)
  if (text === undefined) return undefined
  const value = parsed(text)
  return isMembers(value) ? value : undefined
}

/** The `at` in an entry, read at its fixed offset. The entry need not be valid. */
export function claimedHlc(entry: Uint8Array): Hlc | undefined {
  const end = PREFIX.length + HLC_LENGTH
  if (entry.length <= end || entry[end] !== 0x22) return undefined
  if (PREFIX.compare(entry, 0, PREFIX.length) !== 0) return undefined
  return hlcOf(bufferOf(entry).toString('latin1', PREFIX.length, PREFIX.length + HLC_LENGTH))
}

/** The `at` of a stored entry, which was validated before it was stored. */
export function storedHlc(entry: Uint8Array): Hlc {
  return bufferOf(entry).toString('latin1', PREFIX.length, PREFIX.length + HLC_LENGTH) as Hlc
}

/** The same for an entry that begins at `start` of a latin1 text. */
export const hlcIn = (text: string, start: number): Hlc =>
  text.slice(start + PREFIX.length, start + PREFIX.length + HLC_LENGTH) as Hlc

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON
  }
}

function isMembers(value: unknown): value is Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const own = (name: string): unknown => Object.getOwnPropertyDescriptor(value, name)?.value
  return typeof own('username') === 'string' && typeof own('message') === 'string'
}

/** End of a signed author's entry between scuttleup peers: its salt and, at the end of a segment, the signature. */
const SIGNED_TAIL = /,"salt":"([A-Za-z0-9_-]{11})"(?:,"sig":"([A-Za-z0-9_-]{86})")?\}$/
const SIGNED_TAIL_BYTES_MAX = 128

/** A signed author's entry as scuttleup peers relay it. */
export interface ProjectedEntry {
  readonly entry: Uint8Array
  readonly salt: Uint8Array
  readonly signature: Uint8Array | undefined
}

/** The entry, salt and signature of a signed author that a scuttleup peer relays; undefined if it has no salt. */
export function fromProjected(bytes: Uint8Array): ProjectedEntry | undefined {
  const offset = Math.max(0, bytes.length - SIGNED_TAIL_BYTES_MAX)
  const match = SIGNED_TAIL.exec(bufferOf(bytes).toString('latin1', offset))
  const salt = match?.[1]
  if (match === null || salt === undefined) return undefined
  return {
    entry: concat([bytes.subarray(0, offset + match.index), utf8('}')]),
    salt: Buffer.from(salt, 'base64url'),
    signature: match[2] === undefined ? undefined : Buffer.from(match[2], 'base64url'),
  }
}

/** A signed author's entry as sent to scuttleup peers: with its salt and signature as last members. */
export function toProjected({ entry, salt, signature }: Pick<Entry, 'entry' | 'salt' | 'signature'>): Uint8Array {
  const members = [
    ...(salt === undefined ? [] : [`,"salt":"${base64url(salt)}"`]),
    ...(signature === undefined ? [] : [`,"sig":"${base64url(signature)}"`]),
  ]
  return members.length === 0 ? entry : concat([entry.subarray(0, -1), utf8(`${members.join('')}}`)])
}

const base64url = (bytes: Uint8Array): string => bufferOf(bytes).toString('base64url')

/** The entry in a packed entry, and its salt; undefined for a stub. */
export function contentOf(packed: Uint8Array): { readonly entry: Uint8Array; readonly salt: Uint8Array } | undefined {
  if (isStub(packed)) return undefined
  const start = entryStart(packed)
  return { entry: packed.subarray(start), salt: packed.subarray(start - SALT_BYTES, start) }
}

/** Whether a packed entry, or a stub, is a control entry. */
export const isControlEntry = (packed: Uint8Array): boolean =>
  isStub(packed) ? isControlStub(packed) : isControl(packed, entryStart(packed))

/** The `at` of a packed entry, which need not be valid. */
export function packedHlc(packed: Uint8Array): Hlc | undefined {
  const content = contentOf(packed)
  if (content !== undefined) return claimedHlc(content.entry)
  const digits = bufferOf(packed).toString('latin1', 1, 1 + AT_BYTES)
  return hlcOf(`${digits.slice(0, 13)}.${digits.slice(13)}`)
}

/**
 * The `at` of a signed author's entry; undefined if the entry is invalid after an entry at `previous`. All peers must agree exactly: if one
 * peer accepts an entry that another rejects, the two never converge again. docs/protocol/logs.md §3.2.
 */
export function validHlc(entry: Uint8Array, previous: Hlc): Hlc | undefined {
  const at = claimedHlc(entry)
  if (at === undefined || at <= previous || entry.at(-1) !== CLOSING_BRACE) return undefined
  if (decodeEntry(entry) === undefined || (isControl(entry) && !isWellFormedControl(entry))) return undefined
  return at
}
