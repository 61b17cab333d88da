import { isSignature, type KeyPair, SIGNATURE_BYTES } from '../../base/crypto/signing.js'
import { concat, hexOf, utf8 } from '../../base/wire/bytes.js'
import { type AuthorId, authorOf, isSigned } from '../../log/format/author.js'
import type { Members } from '../../log/format/entry.js'

// Key renewal: the old key of a person signs their new one. docs/protocol/wire.md §5.4.

const TYPE = 'renew'
const PREFIX = utf8('persisted-chat/renew/1')

const signedBytes = (key: Uint8Array): Uint8Array => concat([PREFIX, key])

/** The fields that make the first entry in the log of a new key a renewal. */
export function renewalFields(old: KeyPair, fresh: KeyPair): Readonly<Record<string, string>> {
  return {
    type: TYPE,
    previous: hexOf(old.publicKey),
    consent: Buffer.from(old.sign(signedBytes(fresh.publicKey))).toString('base64url'),
  }
}

/** The old key that an entry names, without verifying its signature; undefined if the entry is no renewal. */
export function previousKeyIn({ type, previous }: Members): AuthorId | undefined {
  const author = type === TYPE && typeof previous === 'string' ? authorOf(previous) : undefined
  return author !== undefined && isSigned(author) ? author : undefined
}

/** Whether the old key that an entry names has signed the key of its author. */
export function isSignedRenewal(author: AuthorId, members: Members): boolean {
  const previous = previousKeyIn(members)
  const { consent } = members
  if (previous === undefined || !isSigned(author) || typeof consent !== 'string') return false
  const signature = Buffer.from(consent, 'base64url')
  return (
    signature.length === SIGNATURE_BYTES &&
    isSignature(signature, signedBytes(Buffer.from(author, 'hex')), Buffer.from(previous, 'hex'))
  )
}
