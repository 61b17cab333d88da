import { isSignature, KEY_BYTES, type KeyPair, SIGNATURE_BYTES } from '../../base/crypto/signing.js'
import { NAME_BYTES_MAX } from '../../base/names.js'
import { concat, textOf, utf8 } from '../../base/wire/bytes.js'
import { bytesField, readFields, textField, varintField } from '../../base/wire/fields.js'
import { frame } from '../../base/wire/frames.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import { AWAY_BYTES_MAX, STATUS_BYTES_MAX, STATUS_HOPS_MAX, STATUS_MS_MAX } from './limits.js'

/** The type of the frame. docs/protocol/wire.md §5.2. */
export const STATUS_TYPE = 8

const HOPS_AT = 1
const KEY_AT = 2
const SIGNATURE_AT = KEY_AT + KEY_BYTES
const FIELDS_AT = SIGNATURE_AT + SIGNATURE_BYTES

const STATES = ['present', 'away', 'left'] as const

/** What somebody says of himself, and nobody stores. docs/protocol/presence.md §5.6. */
export interface Status {
  /** By the clock of who says it, as all times here. Of several statuses the one with the greatest version counts. */
  readonly version: number
  /** Until when it holds. */
  readonly until: number
  readonly state: (typeof STATES)[number]
  /** How many links it may cross. */
  readonly reach: number
  readonly name: string
  /** Why he is away. */
  readonly text: string
  /** How long from now he is taken to be typing. */
  readonly typingMs: number
}

/** A status as it came. */
export interface ReceivedStatus extends Status {
  readonly author: AuthorId
  /** How many links it crossed, the last included, as who sent it says. */
  readonly hops: number
  readonly body: Uint8Array
}

/** The body of a frame for a status of one's own, that crosses its first link. */
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

/** The frame that a status crosses its next link in. */
export function statusFrame(body: Uint8Array, hops: number): Uint8Array {
  const bytes = frame(body)
  bytes[bytes.length - body.length + HOPS_AT] = hops
  return bytes
}

/** What the body of a frame says; undefined where it is no status. Who said it is not checked. */
export function readStatus(body: Uint8Array): ReceivedStatus | undefined {
  const hops = body[HOPS_AT] ?? 0
  if (body.length < FIELDS_AT || body.length > STATUS_BYTES_MAX || hops < 1 || hops > STATUS_HOPS_MAX) return undefined
  const numbers = new Map<number, number>()
  const texts = new Map<number, string | undefined>()
  for (const field of readFields(body.subarray(FIELDS_AT)) ?? []) {
    if (field.kind === 'varint') numbers.set(field.number, field.value)
    else if (field.number <= 6) texts.set(field.number, textWithin(field.value))
  }
  const [version = 0, until = 0, said = 0, reach = 0] = [1, 2, 3, 4].map(number => numbers.get(number))
  const typingMs = numbers.get(7) ?? 0
  const name = texts.get(5)
  const text = texts.has(6) ? texts.get(6) : ''
  const holdsMs = until - version
  if (version < 1 || holdsMs < 1 || holdsMs > STATUS_MS_MAX || typingMs > holdsMs) return undefined
  if (reach < 1 || reach > STATUS_HOPS_MAX || name === undefined || text === undefined) return undefined
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) return undefined
  const author = authorOfKey(body.subarray(KEY_AT, SIGNATURE_AT))
  // A state of a later version: he is there.
  return { author, version, until, state: STATES[said] ?? 'present', reach, name, text, typingMs, hops, body }
}

/** Whether who is said to say it has signed it, for this room. */
export const isGenuineStatus = (room: Uint8Array, { body }: ReceivedStatus): boolean => {
  const key = body.subarray(KEY_AT, SIGNATURE_AT)
  return isSignature(body.subarray(SIGNATURE_AT, FIELDS_AT), signedBytes(room, key, body.subarray(FIELDS_AT)), key)
}

/** As much of a text as a status takes. */
export function awayText(text: string): string {
  let cut = text
  while (Buffer.byteLength(cut) > AWAY_BYTES_MAX) cut = [...cut].slice(0, -1).join('')
  return cut
}

const textWithin = (bytes: Uint8Array): string | undefined =>
  bytes.length > AWAY_BYTES_MAX ? undefined : textOf(bytes)

const signedBytes = (room: Uint8Array, key: Uint8Array, fields: Uint8Array): Uint8Array =>
  concat([utf8('persisted-chat/status/1'), room, key, fields])
