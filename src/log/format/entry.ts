import { ChatError } from '../../base/errors.js'
import { bufferOf, concat, textOf, utf8 } from '../../base/wire/bytes.js'
import { ENTRY_BYTES_MAX, SIGNATURE_MEMBER_BYTES } from '../limits.js'
import type { AuthorId, Seq } from './author.js'
import { EARLIEST, HLC_LENGTH, type Hlc, hlcOf, millisOf } from './hybrid-clock.js'
import { isPlainEntry } from './plain-entry.js'

/** What stands at (author, seq); it never changes. */
export interface Entry {
  readonly author: AuthorId
  readonly seq: Seq
  /** Its place in the conversation, as this peer orders it. */
  readonly at: Hlc
  /** The bytes of one JSON object with own string members `username` and `message`. PROTOCOL.md §3.2. */
  readonly entry: Uint8Array
  /** Of a signed author, where the signature at this very place is held: it vouches for all entries up to here. */
  readonly signature?: Uint8Array
}

/** A JSON object as entries are. */
export type Members = Readonly<Record<string, unknown>> & { readonly username: string; readonly message: string }

const PREFIX = Buffer.from('{"at":"')
/** What a UTF-16 code unit takes in UTF-8, at most. */
const UNIT_BYTES_MAX = 3
/** The last byte: `"sig"` goes before it on the way through original peers. */
const CLOSING_BRACE = 0x7d
/** An entry's clock is only worth a `time` beside it when it is further than this from the writer's own. */
const APART_MS = 60_000

/** The text of a new entry: `at` first, then `members` in their order. Throws BAD_MESSAGE where they make no valid one. */
export function entryText(at: Hlc, nowMs: number, members: Members): string {
  const time = Math.abs(millisOf(at) - nowMs) > APART_MS ? `"time":${Math.floor(nowMs)},` : ''
  const plain = plainJson(members)
  const text = `{"at":"${at}",${time}${plain ?? JSON.stringify(members).slice(1)}`
  const bytes = text.length * UNIT_BYTES_MAX > ENTRY_BYTES_MAX ? Buffer.byteLength(text) : text.length
  if (bytes > ENTRY_BYTES_MAX) {
    throw new ChatError('BAD_MESSAGE', `the message takes ${bytes} bytes, and an entry holds ${ENTRY_BYTES_MAX}`, {
      hint: 'Send it in parts.',
    })
  }
  // Other members may end like a signature, or hide these two: the log would end here for everybody else.
  if (plain === undefined && validHlc(utf8(text), EARLIEST) !== at)
    throw new ChatError('BAD_MESSAGE', 'the message makes no valid entry')
  return text
}

/** The JSON of members that are just the two texts, without its opening brace: it cannot be anything but valid. */
function plainJson(members: Members): string | undefined {
  const names = Object.keys(members)
  const { username, message } = members
  if (names.length !== 2 || names[0] !== 'username' || names[1] !== 'message' || 'toJSON' in members) return undefined
  if (typeof username !== 'string' || typeof message !== 'string') return undefined
  return `"username":${quoted(username)},"message":${quoted(message)}}`
}

/** What JSON writes of a text otherwise than it stands, and every surrogate, of which it so writes one without the other. */
const UNQUOTABLE = /["\\\u0000-\u001f\ud800-\udfff]/

const quoted = (text: string): string => (UNQUOTABLE.test(text) ? JSON.stringify(text) : `"${text}"`)

/** The members of an entry; undefined where the bytes are none. Never throws. */
export function decodeEntry(entry: Uint8Array): Members | undefined {
  if (entry.length > ENTRY_BYTES_MAX) return undefined
  const text = textOf(entry)
  if (text === undefined) return undefined
  const value = parsed(text)
  return isMembers(value) ? value : undefined
}

/** The `at` that an entry says, read at its fixed place. */
export function claimedHlc(entry: Uint8Array): Hlc | undefined {
  const end = PREFIX.length + HLC_LENGTH
  if (entry.length <= end || entry[end] !== 0x22) return undefined
  if (PREFIX.compare(entry, 0, PREFIX.length) !== 0) return undefined
  return hlcOf(bufferOf(entry).toString('latin1', PREFIX.length, PREFIX.length + HLC_LENGTH))
}

/** The `at` of an entry that was found valid when it was stored. */
export function storedHlc(entry: Uint8Array): Hlc {
  return bufferOf(entry).toString('latin1', PREFIX.length, PREFIX.length + HLC_LENGTH) as Hlc
}

/** The same where the entry begins at `start` of a text whose characters are bytes. */
export const hlcIn = (text: string, start: number): Hlc =>
  text.slice(start + PREFIX.length, start + PREFIX.length + HLC_LENGTH) as Hlc

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON: the answer, not a fault
  }
}

function isMembers(value: unknown): value is Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const own = (name: string): unknown => Object.getOwnPropertyDescriptor(value, name)?.value
  return typeof own('username') === 'string' && typeof own('message') === 'string'
}

/** What ends an entry of ours on its way to an original peer: `,"sig":"<86 base64url>"}`. */
const SIGNATURE_TAIL = /,"sig":"([A-Za-z0-9_-]{86})"\}$/

/** The signature that an entry from an original peer carries, and the entry without it. */
export function splitSignature(
  entry: Uint8Array,
): { readonly entry: Uint8Array; readonly signature: Uint8Array } | undefined {
  if (entry.length <= SIGNATURE_MEMBER_BYTES) return undefined
  const start = entry.length - SIGNATURE_MEMBER_BYTES
  if (entry[start] !== 0x2c) return undefined
  const tail = bufferOf(entry).toString('latin1', start)
  const match = SIGNATURE_TAIL.exec(tail)?.[1]
  if (match === undefined) return undefined
  return { entry: concat([entry.subarray(0, start), utf8('}')]), signature: Buffer.from(match, 'base64url') }
}

/** An entry with its signature as last member, as it travels to original peers. */
export function withSignature(entry: Uint8Array, signature: Uint8Array): Uint8Array {
  return concat([entry.subarray(0, -1), utf8(`,"sig":"${Buffer.from(signature).toString('base64url')}"}`)])
}

/**
 * The `at` of a signed author's entry, or undefined where it is not valid after one at `previous`. Exact: two peers that
 * differ here would be split for ever. PROTOCOL.md §3.2.
 */
export function validHlc(entry: Uint8Array, previous: Hlc): Hlc | undefined {
  if (isPlainEntry(entry)) {
    const at = storedHlc(entry)
    return at > previous ? at : undefined
  }
  const at = claimedHlc(entry)
  if (at === undefined || at <= previous || entry.at(-1) !== CLOSING_BRACE) return undefined
  if (decodeEntry(entry) === undefined || splitSignature(entry) !== undefined) return undefined
  return at
}
