import { type KeyPair, keyPairOf } from '../../src/base/crypto/signing.js'
import { type AuthorId, authorOfKey } from '../../src/log/format/author.js'
import { type Admit, type Body, NO_OPERATION } from '../../src/membership/format/body.js'
import { signConsent } from '../../src/membership/format/consent.js'
import { type NextPlace, type Operation, signOperation } from '../../src/membership/format/operation.js'
import type { GivenRole } from '../../src/membership/format/role.js'
import { type PrivateRoom, privateRoom } from '../../src/membership/format/room.js'

// A private room whose members have real keys.

/** A key pair from a seed of equal bytes. */
const memberKeys = (byte: number): KeyPair => keyPairOf(new Uint8Array(32).fill(byte))
export const authorOfKeys = ({ publicKey }: KeyPair): AuthorId => authorOfKey(publicKey)

export const founderKeys = memberKeys(1)
export const aliceKeys = memberKeys(2)
export const bobKeys = memberKeys(3)
export const rescueKeys = memberKeys(9)

const NONCE = new Uint8Array(32).fill(5)

export const signedRoom: PrivateRoom = privateRoom(authorOfKeys(founderKeys), NONCE, authorOfKeys(rescueKeys))

export const openBody = {
  kind: 'open',
  name: 'ops',
  time: 1_763_670_000_000,
  nonce: Buffer.from(NONCE).toString('hex'),
  rescue: authorOfKeys(rescueKeys),
} as const

export const FIRST: NextPlace = { term: NO_OPERATION, seq: 1, previous: NO_OPERATION }

export const after = ({ term, seq, id }: Operation): NextPlace => ({ term, seq: seq + 1, previous: id })

export const admitBody = (keys: KeyPair, role: GivenRole, room: PrivateRoom = signedRoom): Admit => ({
  kind: 'admit',
  subject: authorOfKeys(keys),
  role,
  consent: signConsent(room.id, keys),
  time: 1_763_670_001_000,
})

export const sign = (keys: KeyPair, next: NextPlace, body: Body): Operation =>
  signOperation(signedRoom.id, keys, next, body)

export const opening = sign(founderKeys, FIRST, openBody)
export const admission = sign(founderKeys, after(opening), admitBody(aliceKeys, 'host'))
