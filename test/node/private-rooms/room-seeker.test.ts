import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hexOf } from '../../../src/base/wire/bytes.js'
import type { Operation } from '../../../src/membership/format/operation.js'
import { signOperation } from '../../../src/membership/format/operation.js'
import { foundRoom } from '../../../src/membership/founding.js'
import { readCode, writeCode } from '../../../src/membership/invitation/invitation-code.js'
import { invitationKeys } from '../../../src/membership/invitation/invitation-keys.js'
import { RoomSeeker } from '../../../src/node/private-rooms/room-seeker.js'
import { admitBody, after, aliceKeys, authorOfKeys, bobKeys, founderKeys } from '../../helper/membership-members.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

const SECOND = 1_000
const TAG = new Uint8Array(16)

/** Alice seeks a room of which two members are connected; `outcomes` says what she is answered. */
function seeking({ isClosed = false } = {}) {
  const clock = new VirtualClock()
  const { room, opening } = foundRoom(founderKeys, {
    name: 'ops',
    nonce: new Uint8Array(32).fill(1),
    rescue: undefined,
    isClosed,
    time: clock.now(),
  })
  const seed = new Uint8Array(16).fill(2)
  const { invite, find } = invitationKeys(seed)
  const invitation = signOperation(room.id, founderKeys, after(opening), {
    kind: 'invite',
    role: 'member',
    inviteKey: hexOf(invite.publicKey),
    findKey: find,
    until: clock.now() + 3_600 * SECOND,
    uses: 1,
    time: clock.now(),
  })
  const admission = signOperation(room.id, founderKeys, after(invitation), admitBody(aliceKeys, 'member', room))
  const read = readCode(writeCode(room.id, seed))
  assert.equal(read.kind, 'code')
  const outcomes: string[] = []
  const seeker = new RoomSeeker(
    read.kind === 'code' ? read.code : assert.fail(),
    aliceKeys,
    {
      onFound: () => outcomes.push('found'),
      onAdmitted: () => outcomes.push('admitted'),
      onRefused: reason => outcomes.push(`refused: ${reason}`),
    },
    clock,
  )
  const [host, other] = [{}, {}]
  const show = (kind: 'welcome' | 'admitted', peer: object, ...operations: Operation[]) =>
    seeker.shown(peer, authorOfKeys(founderKeys), {
      kind,
      tag: TAG,
      room: room.id,
      items: operations.map(({ bytes }) => bytes),
      isLast: true,
    })
  return {
    clock,
    outcomes,
    seeker,
    host,
    other,
    welcome: (peer: object) => show('welcome', peer, opening, invitation),
    admit: (peer: object) => show('admitted', peer, opening, invitation, admission),
    refuse: (peer: object) =>
      seeker.refused({ kind: 'refused', tag: TAG, reason: 'used', until: 0 }, authorOfKeys(bobKeys), peer, 0),
  }
}

test('a refusal ends the search after a second, if nobody was asked', () => {
  const { clock, outcomes, other, refuse } = seeking()
  refuse(other)
  clock.advance(SECOND - 1)
  assert.deepEqual(outcomes, [])
  clock.advance(1)
  assert.deepEqual(outcomes, ['refused: used'])
  clock.advance(60 * SECOND)
  assert.deepEqual(outcomes, ['refused: used'])
})

test('a member who was asked may admit after another one has refused', () => {
  const { clock, outcomes, host, other, welcome, admit, refuse } = seeking()
  assert.ok(welcome(host))
  refuse(other)
  clock.advance(20 * SECOND)
  admit(host)
  clock.advance(60 * SECOND)
  assert.deepEqual(outcomes, ['found', 'admitted'])
})

test('the admission counts even if the connection with the member who was asked is lost before their answer', () => {
  const { clock, outcomes, seeker, host, other, welcome, admit, refuse } = seeking()
  welcome(host)
  seeker.disconnected(host)
  refuse(other)
  clock.advance(20 * SECOND)
  admit({})
  clock.advance(60 * SECOND)
  assert.deepEqual(outcomes, ['found', 'admitted'])
})

test('the search ends when the last member who was asked refuses, too', () => {
  const { clock, outcomes, host, other, welcome, refuse } = seeking()
  welcome(host)
  refuse(other)
  clock.advance(10 * SECOND)
  refuse(host)
  clock.advance(SECOND)
  assert.deepEqual(outcomes, ['found', 'refused: used'])
})

test('a member who never answers delays the end by half a minute', () => {
  const { clock, outcomes, host, other, welcome, refuse } = seeking()
  welcome(host)
  refuse(other)
  clock.advance(28 * SECOND)
  assert.deepEqual(outcomes, ['found'])
  clock.advance(3 * SECOND)
  assert.deepEqual(outcomes, ['found', 'refused: used'])
})

test('the admins of a closed room may answer as late as they like, while they are connected', () => {
  const { clock, outcomes, seeker, host, other, welcome, refuse } = seeking({ isClosed: true })
  welcome(host)
  refuse(other)
  clock.advance(3_600 * SECOND)
  assert.deepEqual(outcomes, ['found'])
  seeker.disconnected(host)
  clock.advance(31 * SECOND)
  assert.deepEqual(outcomes, ['found', 'refused: used'])
})
