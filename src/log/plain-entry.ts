import { isUtf8 } from 'node:buffer'
import { utf8 } from '../base/bytes.js'
import { ENTRY_BYTES_MAX } from '../base/limits.js'
import { AT_LENGTH } from './at.js'

// Entries in the form that nearly all have: `at`, `username` and `message`, and nothing else. They are known to be valid
// from their bytes, and nothing is made of them. Every other form is left to `JSON.parse`.

const AT = utf8('{"at":"')
const USERNAME = utf8('","username":"')
const MESSAGE = utf8('","message":"')
const AT_END = AT.length + AT_LENGTH
const DOT_AT = AT.length + 13

const QUOTE = 0x22
const BACKSLASH = 0x5c
const BRACE = 0x7d

/** Of each byte whether it may stand in a text of JSON as it is. */
const STANDS = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
)
/** Of each byte whether it may follow a backslash there, alone. */
const ESCAPED = new Uint8Array(256)
for (const byte of utf8('"\\/bfnrt')) ESCAPED[byte] = 1

/** Whether an entry has the plain form, and is valid but for its place. */
export function isPlainEntry(entry: Uint8Array): boolean {
  const { length } = entry
  if (length > ENTRY_BYTES_MAX || !has(entry, 0, AT)) return false
  for (let i = AT.length; i < AT_END; i++) {
    const byte = entry[i] as number
    if (i === DOT_AT ? byte !== 0x2e : byte < 0x30 || byte > 0x39) return false
  }
  if (!has(entry, AT_END, USERNAME)) return false
  const username = textEnd(entry, AT_END + USERNAME.length)
  if (!has(entry, username, MESSAGE)) return false
  const end = textEnd(entry, username + MESSAGE.length)
  return end === length - 2 && entry[end] === QUOTE && entry[end + 1] === BRACE && isUtf8(entry)
}

/** Whether the `at` of an entry of the plain form is greater than that of another. */
export function isLaterThan(entry: Uint8Array, other: Uint8Array): boolean {
  for (let i = AT.length; i < AT_END; i++) {
    const difference = (entry[i] as number) - (other[i] as number)
    if (difference !== 0) return difference > 0
  }
  return false
}

function has(bytes: Uint8Array, offset: number, part: Uint8Array): boolean {
  if (offset + part.length > bytes.length) return false
  for (let i = 0; i < part.length; i++) if (bytes[offset + i] !== part[i]) return false
  return true
}

/** Where the text ends that begins at `offset`: before its closing quote, or before what needs a closer look. */
function textEnd(bytes: Uint8Array, offset: number): number {
  const { length } = bytes
  let end = offset
  for (;;) {
    while (end < length && STANDS[bytes[end] as number] === 1) end++
    if (end + 1 >= length || bytes[end] !== BACKSLASH || ESCAPED[bytes[end + 1] as number] !== 1) return end
    end += 2
  }
}
