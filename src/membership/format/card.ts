import { isSignature, KEY_BYTES, type KeyPair, SIGNATURE_BYTES } from '../../base/crypto/signing.js'
import { ByteReader } from '../../base/wire/byte-reader.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { concat, sameBytes, utf8 } from '../../base/wire/bytes.js'
import { readFields, textField, varintField } from '../../base/wire/fields.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import { CARD_BYTES_MAX } from '../limits.js'
import { hexType, nameType } from './field-types.js'

const LABEL = utf8('persisted-chat/card/1')
const NAME_FIELD = 1
const INTERNET_KEY_FIELD = 2
const RELAY_FIELD = 3
const KEEPER_FIELD = 4
const internetKeyType = hexType(KEY_BYTES)

/** A member's statements about themselves in a room, which decide nothing. docs/protocol/membership.md §9.9. */
export interface CardContent {
  /** Their name. */
  readonly name: string
  /** The key that is used to reach them over the internet. */
  readonly internetKey?: string
  /** Whether they relay connections of members who cannot be reached directly. */
  readonly isRelay: boolean
  /** Whether their machine always stays in the room, to store it for the others. */
  readonly isKeeper?: true
}

export interface Card extends CardContent {
  readonly author: AuthorId
  /** Of several cards of one author, the card with the highest version is used. */
  readonly version: number
  /** As stored and sent. */
  readonly bytes: Uint8Array
}

export function signCard(room: Uint8Array, keys: KeyPair, version: number, content: CardContent): Card {
  const signed = new ByteWriter().bytes(keys.publicKey).u32(version).bytes(encodeContent(content)).finish()
  const bytes = concat([signed, keys.sign(concat([LABEL, room, signed]))])
  return { ...content, author: authorOfKey(keys.publicKey), version, bytes }
}

/** Decodes a card of a room and verifies its signature; undefined for anything else. */
export function readCard(room: Uint8Array, bytes: Uint8Array): Card | undefined {
  if (bytes.length > CARD_BYTES_MAX || bytes.length < SIGNATURE_BYTES) return undefined
  const signed = bytes.subarray(0, -SIGNATURE_BYTES)
  const reader = new ByteReader(signed)
  const key = reader.bytes(KEY_BYTES)
  const version = reader.u32()
  const content = reader.end(decodeContent(reader.rest()))
  if (content === undefined) return undefined
  if (!isSignature(bytes.subarray(-SIGNATURE_BYTES), concat([LABEL, room, signed]), key)) return undefined
  return { ...content, author: authorOfKey(key), version, bytes: Uint8Array.from(bytes) }
}

/** The newer of two cards of one author. */
export function newerCard(a: Card, b: Card): Card {
  if (a.version !== b.version) return a.version > b.version ? a : b
  return Buffer.compare(a.bytes, b.bytes) <= 0 ? a : b
}

const encodeContent = ({ name, internetKey, isRelay, isKeeper }: CardContent): Uint8Array =>
  concat([
    textField(NAME_FIELD, name),
    ...(internetKey === undefined ? [] : [internetKeyType.write(INTERNET_KEY_FIELD, internetKey)]),
    ...(isRelay ? [varintField(RELAY_FIELD, 1)] : []),
    ...(isKeeper === true ? [varintField(KEEPER_FIELD, 1)] : []),
  ])

function decodeContent(bytes: Uint8Array): CardContent | undefined {
  const [first, ...others] = readFields(bytes) ?? []
  const name = first && nameType.read(first)
  if (name === undefined) return undefined
  const key = others.find(({ number }) => number === INTERNET_KEY_FIELD)
  const internetKey = key && internetKeyType.read(key)
  const isRelay = others.some(({ number }) => number === RELAY_FIELD)
  const isKeeper = others.some(({ number }) => number === KEEPER_FIELD)
  const content: CardContent = {
    name,
    ...(internetKey !== undefined && { internetKey }),
    isRelay,
    ...(isKeeper && { isKeeper }),
  }
  return sameBytes(encodeContent(content), bytes) ? content : undefined
}
