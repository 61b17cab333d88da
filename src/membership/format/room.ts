import { hash } from '../../base/crypto/hash.js'
import { bufferOf, hexOf, utf8 } from '../../base/wire/bytes.js'
import { type AuthorId, keyOf } from '../../log/format/author.js'

// Ids of private and direct rooms. docs/protocol/membership.md §9.1.

export const NONCE_BYTES = 32
const LABEL_DIGITS = 16
const NO_KEY = new Uint8Array(32)

/** A private room: its id, and the keys from which all authority in it derives. */
export interface PrivateRoom {
  readonly id: Uint8Array
  readonly founder: AuthorId
  /** Senior to the founder. Absent if the room was founded without a rescue key. */
  readonly rescue: AuthorId | undefined
}

/** The room that a founder opens with a nonce of NONCE_BYTES. */
export const privateRoom = (
  founder: AuthorId,
  nonce: Uint8Array,
  rescue: AuthorId | undefined = undefined,
): PrivateRoom => ({
  id: hash(utf8('persisted-chat/private-room/1'), keyBytes(founder), nonce, rescue ? keyBytes(rescue) : NO_KEY),
  founder,
  rescue,
})

/** The id of the room of exactly two authors, in either order. */
export function directRoomId(a: AuthorId, b: AuthorId): Uint8Array {
  const [lower, higher] = [keyBytes(a), keyBytes(b)].sort(Buffer.compare) as [Buffer, Buffer]
  return hash(utf8('persisted-chat/direct/1'), lower, higher)
}

/** Names a room on screens and in paths: the id is the secret that members recognise each other by, so it is never shown. */
export const roomLabel = (id: Uint8Array): string =>
  hexOf(hash(utf8('persisted-chat/label/1'), id)).slice(0, LABEL_DIGITS)

/** The bytes of a key. Unsigned authors have none, and are in no private room. */
export const keyBytes = (author: AuthorId): Buffer => bufferOf(keyOf(author) ?? NO_KEY)
