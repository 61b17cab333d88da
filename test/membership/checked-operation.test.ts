import assert from 'node:assert/strict'
import test from 'node:test'
import { concat } from '../../src/base/wire/bytes.js'
import { type Body, NO_OPERATION } from '../../src/membership/format/body.js'
import { checkOperation, openedRoom } from '../../src/membership/format/checked-operation.js'
import type { NextPlace } from '../../src/membership/format/operation.js'
import { signOperation } from '../../src/membership/format/operation.js'
import { privateRoom } from '../../src/membership/format/room.js'
import {
  admission,
  admitBody,
  after,
  aliceKeys,
  authorOfKeys,
  bobKeys,
  FIRST,
  founderKeys,
  openBody,
  opening,
  sign,
  signedRoom,
} from '../helper/membership-members.js'

const reasonOf = (bytes: Uint8Array): string => {
  const checked = checkOperation(signedRoom, bytes)
  return checked.kind === 'operation' ? 'accepted' : checked.reason
}

test('accepts signed operations, and returns what was signed', () => {
  for (const operation of [opening, admission]) {
    const checked = checkOperation(signedRoom, operation.bytes)
    assert.ok(checked.kind === 'operation')
    assert.deepEqual(
      { ...checked.operation, bytes: Buffer.from(operation.bytes) },
      { ...operation, bytes: Buffer.from(operation.bytes) },
    )
  }
})

test('keeps a copy of the bytes', () => {
  const bytes = Uint8Array.from(admission.bytes)
  const checked = checkOperation(signedRoom, bytes)
  bytes.fill(0)
  assert.ok(checked.kind === 'operation')
  assert.deepEqual(Buffer.from(checked.operation.bytes), Buffer.from(admission.bytes))
})

test('rejects an operation with any byte changed, missing or added', () => {
  const { bytes } = admission
  for (let i = 0; i < bytes.length; i++) {
    const changed = Uint8Array.from(bytes)
    changed[i] = (changed[i] ?? 0) ^ 1
    assert.notEqual(reasonOf(changed), 'accepted', `byte ${i}`)
  }
  for (let length = 0; length < bytes.length; length += 7)
    assert.equal(reasonOf(bytes.subarray(0, length)), 'malformed')
  assert.equal(reasonOf(concat([bytes, Uint8Array.of(0)])), 'malformed')
})

test('rejects a first operation with a predecessor, and another one without', () => {
  const places: readonly NextPlace[] = [
    { term: NO_OPERATION, seq: 1, previous: opening.id },
    { term: NO_OPERATION, seq: 2, previous: NO_OPERATION },
    { term: NO_OPERATION, seq: 0, previous: NO_OPERATION },
    { term: NO_OPERATION, seq: 65_537, previous: opening.id },
  ]
  for (const next of places)
    assert.equal(reasonOf(sign(aliceKeys, next, { kind: 'leave', time: 1 }).bytes), 'malformed')
})

test('rejects an admission without the consent of its subject', () => {
  const other = privateRoom(authorOfKeys(founderKeys), new Uint8Array(32))
  const consents = [
    admitBody(bobKeys, 'member').consent,
    admitBody(aliceKeys, 'member', other).consent,
    '0'.repeat(128),
  ]
  for (const consent of consents) {
    const body: Body = { ...admitBody(aliceKeys, 'member'), consent }
    assert.equal(reasonOf(sign(founderKeys, after(opening), body).bytes), 'invalid-consent')
  }
})

test('rejects operations that open another room, or this one in another place', () => {
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['another nonce', sign(founderKeys, FIRST, { ...openBody, nonce: '0'.repeat(64) }).bytes],
    ['another rescue key', sign(founderKeys, FIRST, { ...openBody, rescue: authorOfKeys(bobKeys) }).bytes],
    ['by another author', sign(aliceKeys, FIRST, openBody).bytes],
    ['not the first operation', sign(founderKeys, after(opening), openBody).bytes],
    ['in another term', sign(founderKeys, { ...FIRST, term: opening.id }, openBody).bytes],
    ['the founder begins with something else', sign(founderKeys, FIRST, { kind: 'leave', time: 1 }).bytes],
  ]
  for (const [what, bytes] of cases) assert.equal(reasonOf(bytes), 'not-the-opening', what)
})

test('learns the founder and the rescue key of a room from its first operation', () => {
  assert.deepEqual(openedRoom(signedRoom.id, opening.bytes), signedRoom)
  assert.equal(openedRoom(signedRoom.id, admission.bytes), undefined)
  assert.equal(openedRoom(new Uint8Array(32), opening.bytes), undefined)
  assert.equal(openedRoom(signedRoom.id, sign(aliceKeys, FIRST, openBody).bytes), undefined)
})

test('does not take zeros for a rescue key', () => {
  const founder = authorOfKeys(founderKeys)
  const nonce = new Uint8Array(32).fill(5)
  const zeros = '0'.repeat(64) as typeof founder
  assert.deepEqual(privateRoom(founder, nonce, zeros).id, privateRoom(founder, nonce).id)
  const { id } = privateRoom(founder, nonce)
  const { rescue: _, ...without } = openBody
  assert.deepEqual(openedRoom(id, signOperation(id, founderKeys, FIRST, without).bytes)?.rescue, undefined)
  assert.ok(openedRoom(id, signOperation(id, founderKeys, FIRST, without).bytes))
  assert.equal(openedRoom(id, signOperation(id, founderKeys, FIRST, { ...openBody, rescue: zeros }).bytes), undefined)
})
