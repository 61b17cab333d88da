import { isSignature, type KeyPair } from '../../base/crypto/signing.js'
import { concat, hexOf, utf8 } from '../../base/wire/bytes.js'
import type { AuthorId } from '../../log/format/author.js'
import { keyBytes } from './room.js'

/** The signature by which an author agrees to be a member of a room, in hex. docs/protocol/membership.md §9.4. */
export const signConsent = (room: Uint8Array, keys: KeyPair): string =>
  hexOf(keys.sign(consentBytes(room, keys.publicKey)))

export const isValidConsent = (room: Uint8Array, author: AuthorId, consent: string): boolean =>
  isSignature(Buffer.from(consent, 'hex'), consentBytes(room, keyBytes(author)), keyBytes(author))

const consentBytes = (room: Uint8Array, key: Uint8Array): Uint8Array =>
  concat([utf8('persisted-chat/join/1'), room, key])
