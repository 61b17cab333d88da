import { isSignature, KEY_BYTES, type KeyPair } from '../../base/crypto/signing.js'
import { concat, utf8 } from '../../base/wire/bytes.js'
import { bytesField, readFields, varintField } from '../../base/wire/fields.js'

/** Version of the protocol between native peers. Each side speaks the lower of both versions. */
export const PROTOCOL_VERSION = 1

const ROOM_ID_BYTES = 32
export const INSTANCE_ID_BYTES = 16
export const NONCE_BYTES = 32

/** What a native peer tells about itself during the handshake. docs/protocol/wire.md §2.3. */
export interface Hello {
  readonly version: number
  readonly room: Uint8Array
  /** Random, one per process: identifies duplicate connections, two devices with one key, and a connection to itself. */
  readonly instance: Uint8Array
  /** The author's public key. */
  readonly key: Uint8Array
  /** Fresh random bytes that the other side signs. */
  readonly nonce: Uint8Array
  /** How long the process has been running, in milliseconds: of two devices with one key, only the older one writes. */
  readonly ageMs: number
  /** The process's clock, in milliseconds since 1970. */
  readonly nowMs: number
}

export type Role = 'dialler' | 'listener'

export const encodeHello = ({ version, room, instance, key, nonce, ageMs, nowMs }: Hello): Uint8Array =>
  concat([
    varintField(1, version),
    bytesField(2, room),
    bytesField(3, instance),
    bytesField(4, key),
    bytesField(5, nonce),
    varintField(6, Math.max(0, Math.floor(ageMs))),
    varintField(7, Math.max(0, Math.floor(nowMs))),
  ])

/** Undefined for malformed bytes. Unknown fields are skipped. */
export function decodeHello(bytes: Uint8Array): Hello | undefined {
  const numbers = new Map<number, number>()
  const values = new Map<number, Uint8Array>()
  for (const field of readFields(bytes) ?? []) {
    if (field.kind === 'varint') numbers.set(field.number, field.value)
    else values.set(field.number, Uint8Array.from(field.value))
  }
  const version = numbers.get(1)
  const ageMs = numbers.get(6)
  const nowMs = numbers.get(7)
  const [room, instance, key, nonce] = [2, 3, 4, 5].map(number => values.get(number))
  if (version === undefined || version < 1 || ageMs === undefined || nowMs === undefined) return undefined
  if (room?.length !== ROOM_ID_BYTES || instance?.length !== INSTANCE_ID_BYTES) return undefined
  if (key?.length !== KEY_BYTES || nonce?.length !== NONCE_BYTES) return undefined
  return { version, room, instance, key, nonce, ageMs, nowMs }
}

/** The proof that the side in `role` has the key of its Hello. It covers both nonces, so it is valid for one connection. */
export const proofOf = (keys: KeyPair, role: Role, ours: Hello, theirs: Hello): Uint8Array =>
  keys.sign(provenBytes(role, ours, theirs))

/** Whether `proof` is that of the other side, which is in `role`. */
export const isValidProof = (proof: Uint8Array, role: Role, theirs: Hello, ours: Hello): boolean =>
  isSignature(proof, provenBytes(role, theirs, ours), theirs.key)

function provenBytes(role: Role, prover: Hello, other: Hello): Uint8Array {
  const [dialler, listener] = role === 'dialler' ? [prover, other] : [other, prover]
  return concat([
    utf8('persisted-chat/link/1'),
    prover.room,
    dialler.nonce,
    listener.nonce,
    dialler.key,
    listener.key,
    Uint8Array.of(role === 'dialler' ? 0 : 1),
  ])
}
