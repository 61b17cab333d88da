import { isUtf8 } from 'node:buffer'
import { utf8 } from '../../base/wire/bytes.js'
import { ENTRY_BYTES_MAX } from '../limits.js'
import { HLC_LENGTH } from './hybrid-clock.js'

// Entries in the form that nearly all have: `at`, `username` and `message`, and nothing else. They are known to be valid
// from their bytes, and nothing is made of them. Every other form is left to `JSON.parse`.

const AT = utf8('{"at":"')
const USERNAME = utf8('","username":"')
const MESSAGE = utf8('","message":"')
const AT_END = AT.length + HLC_LENGTH
const DOT_AT = AT.length + 13

const QUOTE = 0x22
const BACKSLASH = 0x5c
const BRACE = 0x7d

const isStanding = (byte: number): boolean => byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH
/** Of each byte whether it may stand in a text of JSON as it is. */
const ANY = Uint8Array.from({ length: 256 }, (_, byte) => (isStanding(byte) ? 1 : 0))
/** The same where all of it is ASCII. */
const ASCII = Uint8Array.from({ length: 256 }, (_, byte) => (isStanding(byte) && byte < 0x80 ? 1 : 0))
/** Of each byte whether it may follow a backslash there, alone. */
const ESCAPED = new Uint8Array(256)
for (const byte of utf8('"\\/bfnrt')) ESCAPED[byte] = 1

/** Whether the first `length` bytes are an entry of the plain form, and valid but for its place. */
export function isPlainEntry(entry: Uint8Array, length: number = entry.length): boolean {
  if (length > ENTRY_BYTES_MAX || !has(entry, 0, AT)) return false
  for (let i = AT.length; i < AT_END; i++) {
    const byte = entry[i] as number
    if (i === DOT_AT ? byte !== 0x2e : byte < 0x30 || byte > 0x39) return false
  }
  if (!has(entry, AT_END, USERNAME)) return false
  return isRest(entry, length, ASCII) || (isRest(entry, length, ANY) && isUtf8(entry.subarray(0, length)))
}

/** Whether the two texts are there, of bytes that stand, and nothing behind them. */
function isRest(entry: Uint8Array, length: number, stands: Uint8Array): boolean {
  const username = textEnd(entry, AT_END + USERNAME.length, length, stands)
  if (!has(entry, username, MESSAGE)) return false
  const end = textEnd(entry, username + MESSAGE.length, length, stands)
  return end === length - 2 && entry[end] === QUOTE && entry[end + 1] === BRACE
}

function has(bytes: Uint8Array, offset: number, part: Uint8Array): boolean {
  if (offset + part.length > bytes.length) return false
  for (let i = 0; i < part.length; i++) if (bytes[offset + i] !== part[i]) return false
  return true
}

/** Where the text ends that begins at `offset`: before its closing quote, or before what needs a closer look. */
function textEnd(bytes: Uint8Array, offset: number, length: number, stands: Uint8Array): number {
  let end = offset
  for (;;) {
    while (end < length && stands[bytes[end] as number] === 1) end++
    if (end + 1 >= length || bytes[end] !== BACKSLASH || ESCAPED[bytes[end + 1] as number] !== 1) return end
    end += 2
  }
}
