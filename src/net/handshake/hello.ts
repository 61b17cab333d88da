import { hash, keyedHash } from '../../base/crypto/hash.js'
import { isSignature, KEY_BYTES, type KeyPair, SIGNATURE_BYTES } from '../../base/crypto/signing.js'
import { concat, utf8 } from '../../base/wire/bytes.js'
import { bytesField, readFields, varintField } from '../../base/wire/fields.js'

/** Version of the protocol between native peers. Each side speaks the lower of both versions. */
export const PROTOCOL_VERSION = 2

export const INSTANCE_ID_BYTES = 16
export const ROOM_TAG_BYTES = 16

const LABEL = utf8('persisted-chat/link/2')
const ROOM_TAG_LABEL = utf8('persisted-chat/channel/1')

/** A native peer's statements about itself during the handshake. docs/protocol/wire.md §2.3. */
export interface Hello {
  readonly version: number
  /** Random, one per process: identifies duplicate connections, two devices with one key, and a connection to itself. */
  readonly instance: Uint8Array
  /** The author's public key. */
  readonly key: Uint8Array
  /** The process's clock, in milliseconds since 1970. */
  readonly nowMs: number
}

export type Role = 'dialler' | 'listener'

export const otherRole = (role: Role): Role => (role === 'dialler' ? 'listener' : 'dialler')

export const encodeHello = ({ version, instance, key, nowMs }: Hello): Uint8Array =>
  concat([
    varintField(1, version),
    bytesField(3, instance),
    bytesField(4, key),
    varintField(7, Math.max(0, Math.floor(nowMs))),
  ])

/** Undefined for malformed bytes and for versions before 2. Unknown fields are skipped. */
export function decodeHello(bytes: Uint8Array): Hello | undefined {
  const numbers = new Map<number, number>()
  const values = new Map<number, Uint8Array>()
  for (const field of readFields(bytes) ?? []) {
    if (field.kind === 'varint') numbers.set(field.number, field.value)
    else values.set(field.number, Uint8Array.from(field.value))
  }
  const version = numbers.get(1)
  const nowMs = numbers.get(7)
  const [instance, key] = [3, 4].map(number => values.get(number))
  if (version === undefined || version < PROTOCOL_VERSION || nowMs === undefined) return undefined
  if (instance?.length !== INSTANCE_ID_BYTES || key?.length !== KEY_BYTES) return undefined
  return { version, instance, key, nowMs }
}

/**
 * Tells peers who know the room id that the side in `role` is in the room. Differs on each connection, because it covers the
 * handshake hash.
 */
export const roomTagOf = (roomId: Uint8Array, handshakeHash: Uint8Array, role: Role): Uint8Array =>
  keyedHash(roomId, ROOM_TAG_BYTES, ROOM_TAG_LABEL, handshakeHash, roleByte(role))

/** Hello ‖ signature: the proof that the side in `role` has the key of its Hello, for this connection alone. */
export function encodeAuth(hello: Hello, keys: KeyPair, handshakeHash: Uint8Array, role: Role): Uint8Array {
  const bytes = encodeHello(hello)
  return concat([bytes, keys.sign(signedBytes(bytes, handshakeHash, role))])
}

/** The Hello of the side in `role`; 'unproven-key' if it is not signed by its key. */
export function decodeAuth(
  text: Uint8Array,
  handshakeHash: Uint8Array,
  role: Role,
): Hello | 'malformed-handshake' | 'unproven-key' {
  const end = Math.max(0, text.length - SIGNATURE_BYTES)
  const bytes = text.subarray(0, end)
  const hello = decodeHello(bytes)
  if (hello === undefined) return 'malformed-handshake'
  const isProven = isSignature(text.subarray(end), signedBytes(bytes, handshakeHash, role), hello.key)
  return isProven ? hello : 'unproven-key'
}

/** The prologue of the key exchange. Both sides must compute the same one, otherwise the handshake fails. */
export const prologueOf = (diallerAddress: Uint8Array, listenerAddress: Uint8Array): Uint8Array =>
  concat([LABEL, diallerAddress, listenerAddress])

const signedBytes = (hello: Uint8Array, handshakeHash: Uint8Array, role: Role): Uint8Array =>
  concat([LABEL, roleByte(role), handshakeHash, hash(hello)])

const roleByte = (role: Role): Uint8Array => Uint8Array.of(role === 'dialler' ? 0 : 1)
