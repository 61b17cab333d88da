import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { type KeyPair, keyPairOf, SEED_BYTES } from '../../../src/base/crypto/signing.js'
import { authorOfKey } from '../../../src/log/format/author.js'
import { decodeIntroductionFrame, encodeEvidence } from '../../../src/membership/exchange/introduction-frames.js'
import { type Body, NO_OPERATION } from '../../../src/membership/format/body.js'
import { checkOperation } from '../../../src/membership/format/checked-operation.js'
import { signConsent } from '../../../src/membership/format/consent.js'
import { decodeOperation, type Operation, signOperation } from '../../../src/membership/format/operation.js'
import { foundRoom } from '../../../src/membership/founding.js'
import { Membership } from '../../../src/membership/membership.js'
import type { ProvenPeer } from '../../../src/net/upgrader.js'
import { Introductions } from '../../../src/node/private-rooms/introductions.js'
import type { RoomMembers } from '../../../src/node/private-rooms/room-members.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

const TIME = 1_700_000_000_000
const TAG_BYTES = 16
const keysOf = (number: number): KeyPair => keyPairOf(new Uint8Array(SEED_BYTES).fill(number))
const [alice, bob, carol] = [keysOf(1), keysOf(2), keysOf(3)]
const { room, opening } = foundRoom(alice, {
  name: 'ops',
  nonce: new Uint8Array(32).fill(5),
  rescue: undefined,
  isClosed: false,
  time: TIME,
})
const authorOf = ({ publicKey }: KeyPair) => authorOfKey(publicKey)
const admission = (subject: KeyPair, role: 'admin' | 'member'): Body => ({
  kind: 'admit',
  subject: authorOf(subject),
  role,
  consent: signConsent(room.id, subject),
  time: TIME,
})
const removal = (subject: KeyPair): Body => ({
  kind: 'remove',
  subject: authorOf(subject),
  place: { term: NO_OPERATION, seq: 0, id: NO_OPERATION },
  time: TIME,
})
const signed = (by: KeyPair, previous: Operation | undefined, body: Body): Operation =>
  signOperation(
    room.id,
    by,
    { term: NO_OPERATION, seq: (previous?.seq ?? 0) + 1, previous: previous?.id ?? NO_OPERATION },
    body,
  )

const admittedBob = signed(alice, opening, admission(bob, 'member'))
const admittedCarol = signed(alice, admittedBob, admission(carol, 'admin'))
const everybody = [opening, admittedBob, admittedCarol]
const bobOut = signed(carol, undefined, removal(bob))
/** The beginning of another branch of carol's log, which counts before the one with the removal. */
const otherBranch = ((): Operation => {
  for (let number = 0; ; number++) {
    const named = signed(carol, undefined, { kind: 'name', name: `room ${number}`, time: TIME })
    if (named.id < bobOut.id) return named
  }
})()

/** The members of the room as bob knows them. */
class BobsMembers extends EventEmitter {
  readonly room = room
  readonly me = authorOf(bob)
  membership: Membership
  readonly #stored: Operation[]

  constructor(operations: readonly Operation[]) {
    super()
    this.#stored = [...operations]
    this.membership = new Membership(room, operations)
  }

  isMember(key: string): boolean {
    return [...this.membership.members.keys()].some(member => member === key)
  }

  check(items: readonly Uint8Array[]): Operation[] {
    return items.flatMap(bytes => {
      const result = checkOperation(room, bytes)
      return result.kind === 'operation' ? result.operation : []
    })
  }

  async add(operations: readonly Operation[]): Promise<void> {
    this.#stored.push(...operations)
    this.membership = new Membership(room, this.#stored)
    this.emit('change', operations)
  }
}

const tagOf = (side: string): Uint8Array => new Uint8Array(TAG_BYTES).fill(side === 'us' ? 1 : 2)

/** The ids in the frames that bob sends to somebody who does not name the room to him, and tells him of his removal twice. */
async function answersTo(from: KeyPair, known: readonly Operation[], told: readonly Operation[]) {
  const clock = new VirtualClock()
  const introductions = new Introductions(clock)
  introductions.add(new BobsMembers(known) as unknown as RoomMembers)
  const sent: Uint8Array[] = []
  const multiplexer = Object.assign(new EventEmitter(), {
    hasTheirRooms: false,
    isClosed: false,
    isOfferedByOther: () => false,
    tagOf: (_id: Uint8Array, side: string) => tagOf(side),
    sendControl: (body: Uint8Array) => void sent.push(body),
  })
  introductions.proven({ remote: { key: authorOf(from) }, multiplexer } as unknown as ProvenPeer)
  for (let times = 0; times < 2; times++) {
    for (const body of encodeEvidence('ended', tagOf('them'), told)) multiplexer.emit('control', body)
    while (clock.timers > 0) {
      clock.advance(1_000)
      await new Promise(setImmediate)
    }
  }
  const idsIn = (kind: 'evidence' | 'ended'): string[] =>
    sent.flatMap(body => {
      const frame = decodeIntroductionFrame(body)
      return frame?.kind === kind ? frame.items.map(bytes => decodeOperation(room.id, bytes)?.id ?? '') : []
    })
  return { evidence: idsIn('evidence'), ended: new Set(idsIn('ended')) }
}

const idsOf = (...operations: readonly Operation[]): string[] => operations.map(({ id }) => id)

test('tells the founder once which branch makes their removal of a member void', async () => {
  const answers = await answersTo(alice, [...everybody, otherBranch], [...everybody, bobOut])
  assert.deepEqual(answers, { evidence: idsOf(otherBranch), ended: new Set() })
})

test('tells somebody who is out of their removal alone, whatever they send', async () => {
  const carolOut = signed(alice, admittedCarol, removal(carol))
  const answers = await answersTo(carol, [...everybody, otherBranch, carolOut], [...everybody, bobOut])
  assert.deepEqual(answers, { evidence: [], ended: new Set(idsOf(...everybody, carolOut)) })
})

test('accepts a removal that nothing contradicts without an answer', async () => {
  const nothing = { evidence: [], ended: new Set() }
  const byFounder = signed(alice, admittedCarol, removal(bob))
  assert.deepEqual(await answersTo(alice, everybody, [...everybody, bobOut]), nothing)
  assert.deepEqual(await answersTo(alice, everybody, [...everybody, byFounder]), nothing)
})
