import { isSignature, KEY_BYTES, type KeyPair, SIGNATURE_BYTES } from '../../base/crypto/signing.js'
import { NAME_BYTES_MAX } from '../../base/names.js'
import { ByteReader } from '../../base/wire/byte-reader.js'
import { concat, textOf, utf8 } from '../../base/wire/bytes.js'
import { bytesField, readFields, textField, varintField } from '../../base/wire/fields.js'
import { frame } from '../../base/wire/frames.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import { AWAY_BYTES_MAX, STATUS_BYTES_MAX, STATUS_HOPS_MAX, STATUS_MS_MAX } from './limits.js'

/** Frame type. docs/protocol/wire.md §5.2. */
export const STATUS_TYPE = 8

const HOPS_OFFSET = 1
/** Number of the last text field. */
const TEXT_FIELD_MAX = 6

const STATES = ['present', 'away', 'left'] as const

/** What an author announces about themselves, signed and never stored. docs/protocol/presence.md §5.6. */
export interface Status {
  /** Signing time by the author's clock, as are all times here. The status with the greatest version is valid. */
  readonly version: number
  /** End of validity. */
  readonly until: number
  readonly state: (typeof STATES)[number]
  /** Number of connections that it may cross. */
  readonly reach: number
  readonly name: string
  /** The away message. */
  readonly text: string
  /** How long from `version` on the author is shown as typing. */
  readonly typingMs: number
}

export interface ReceivedStatus extends Status {
  readonly author: AuthorId
  /** Number of connections that it crossed, according to the sender. */
  readonly hops: number
  /** The frame body. */
  readonly body: Uint8Array
}

/** The frame body of our own status for its first hop. */
export function signStatus(keys: KeyPair, room: Uint8Array, status: Status): Uint8Array {
  const fields = concat([
    varintField(1, status.version),
    varintField(2, status.until),
    varintField(3, STATES.indexOf(status.state)),
    varintField(4, status.reach),
    textField(5, status.name),
    ...(status.text === '' ? [] : [bytesField(6, utf8(status.text))]),
    ...(status.typingMs === 0 ? [] : [varintField(7, status.typingMs)]),
  ])
  const signature = keys.sign(signedBytes(room, keys.publicKey, fields))
  return concat([Uint8Array.of(STATUS_TYPE, 1), keys.publicKey, signature, fields])
}

/** The frame of a status for hop number `hops`. */
export function statusFrame(body: Uint8Array, hops: number): Uint8Array {
  const bytes = frame(body)
  bytes[bytes.length - body.length + HOPS_OFFSET] = hops
  return bytes
}

/** Decodes a frame body; undefined if it is malformed. Its signature is not verified. */
export function readStatus(body: Uint8Array): ReceivedStatus | undefined {
  const parts = partsOf(body)
  if (parts === undefined || body.length > STATUS_BYTES_MAX) return undefined
  const { hops, key, fields } = parts
  if (hops < 1 || hops > STATUS_HOPS_MAX) return undefined
  const status = readStatusFields(fields)
  return status && { ...status, author: authorOfKey(key), hops, body }
}

function readStatusFields(bytes: Uint8Array): Status | undefined {
  const numbers = new Map<number, number>()
  const texts = new Map<number, string | undefined>()
  for (const field of readFields(bytes) ?? []) {
    if (field.kind === 'varint') numbers.set(field.number, field.value)
    else if (field.number <= TEXT_FIELD_MAX) texts.set(field.number, shortTextOf(field.value))
  }
  const [version = 0, until = 0, state = 0, reach = 0] = [1, 2, 3, 4].map(number => numbers.get(number))
  const typingMs = numbers.get(7) ?? 0
  const name = texts.get(5)
  const text = texts.has(6) ? texts.get(6) : ''
  const validMs = until - version
  if (version < 1 || validMs < 1 || validMs > STATUS_MS_MAX || typingMs > validMs) return undefined
  if (reach < 1 || reach > STATUS_HOPS_MAX || name === undefined || text === undefined) return undefined
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) return undefined
  // A state of a later version of the protocol is read as present.
  return { version, until, state: STATES[state] ?? 'present', reach, name, text, typingMs }
}

/** Whether the claimed author has signed the status for this room. */
export function isGenuineStatus(room: Uint8Array, { body }: ReceivedStatus): boolean {
  const parts = partsOf(body)
  return parts !== undefined && isSignature(parts.signature, signedBytes(room, parts.key, parts.fields), parts.key)
}

/** Shortens an away message to AWAY_BYTES_MAX. */
export function awayText(text: string): string {
  let cut = text
  while (Buffer.byteLength(cut) > AWAY_BYTES_MAX) cut = [...cut].slice(0, -1).join('')
  return cut
}

function partsOf(body: Uint8Array) {
  const reader = new ByteReader(body)
  reader.u8()
  const hops = reader.u8()
  const [key, signature, fields] = [reader.bytes(KEY_BYTES), reader.bytes(SIGNATURE_BYTES), reader.rest()]
  return reader.end({ hops, key, signature, fields })
}

const shortTextOf = (bytes: Uint8Array): string | undefined =>
  bytes.length > AWAY_BYTES_MAX ? undefined : textOf(bytes)

const signedBytes = (room: Uint8Array, key: Uint8Array, fields: Uint8Array): Uint8Array =>
  concat([utf8('persisted-chat/status/1'), room, key, fields])
