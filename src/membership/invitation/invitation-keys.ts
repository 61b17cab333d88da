import { hash } from '../../base/crypto/hash.js'
import { isSignature, type KeyPair, keyPairOf } from '../../base/crypto/signing.js'
import { concat, hexOf, utf8 } from '../../base/wire/bytes.js'
import type { AuthorId } from '../../log/format/author.js'
import { type InvitationId, invitationOf } from '../format/body.js'
import { keyBytes } from '../format/room.js'

/** Keys derived from the seed of an invitation. docs/protocol/membership.md §9.8. */
export interface InvitationKeys {
  readonly id: InvitationId
  /** Proves that somebody has the code. */
  readonly invite: KeyPair
  /** Recognises the invitation on a connection, in hex. */
  readonly find: string
}

export function invitationKeys(seed: Uint8Array): InvitationKeys {
  const invite = keyPairOf(hash(utf8('persisted-chat/invite-sign/1'), seed))
  return {
    id: invitationOf(hexOf(invite.publicKey)),
    invite,
    find: hexOf(hash(utf8('persisted-chat/invite-find/1'), seed)),
  }
}

/** The proof that the author has the code, for this room and this author alone. */
export const signProofOfUse = (room: Uint8Array, invite: KeyPair, author: AuthorId): Uint8Array =>
  invite.sign(useBytes(room, author))

/** `inviteKey` in hex. */
export const isProofOfUse = (room: Uint8Array, inviteKey: string, author: AuthorId, proof: Uint8Array): boolean =>
  isSignature(proof, useBytes(room, author), Buffer.from(inviteKey, 'hex'))

const useBytes = (room: Uint8Array, author: AuthorId): Uint8Array =>
  concat([utf8('persisted-chat/use/1'), room, keyBytes(author)])
