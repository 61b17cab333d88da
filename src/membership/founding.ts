import type { KeyPair } from '../base/crypto/signing.js'
import { hexOf } from '../base/wire/bytes.js'
import { type AuthorId, authorOfKey } from '../log/format/author.js'
import { NO_OPERATION, type Open } from './format/body.js'
import { type Operation, signOperation } from './format/operation.js'
import { type PrivateRoom, privateRoom } from './format/room.js'

export interface Founding {
  readonly name: string
  /** 32 random bytes. */
  readonly nonce: Uint8Array
  /** Key that is senior to the founder's. */
  readonly rescue: AuthorId | undefined
  /** Whether only admins admit. */
  readonly isClosed: boolean
  readonly time: number
}

/** Founds a private room. Returns the room and the founder's first operation. */
export function foundRoom(
  keys: KeyPair,
  { name, nonce, rescue, isClosed, time }: Founding,
): { readonly room: PrivateRoom; readonly opening: Operation } {
  const room = privateRoom(authorOfKey(keys.publicKey), nonce, rescue)
  const body: Open = {
    kind: 'open',
    nonce: hexOf(nonce),
    name,
    time,
    ...(rescue !== undefined && { rescue }),
    ...(isClosed && { closed: 1 }),
  }
  const opening = signOperation(room.id, keys, { term: NO_OPERATION, seq: 1, previous: NO_OPERATION }, body)
  return { room, opening }
}
