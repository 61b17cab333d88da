import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KeyPair, keyPairOf, SEED_BYTES } from '../../../src/base/crypto/signing.js'
import { type AuthorId, authorOfKey } from '../../../src/log/format/author.js'
import { type Body, NO_OPERATION } from '../../../src/membership/format/body.js'
import { checkOperation } from '../../../src/membership/format/checked-operation.js'
import { signConsent } from '../../../src/membership/format/consent.js'
import { type Operation, signOperation } from '../../../src/membership/format/operation.js'
import { foundRoom } from '../../../src/membership/founding.js'
import { Membership } from '../../../src/membership/membership.js'
import { EvidenceChecks, EvidenceSource } from '../../../src/node/private-rooms/evidence-checks.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

const TIME = 1_700_000_000_000
const keysOf = (number: number): KeyPair => keyPairOf(new Uint8Array(SEED_BYTES).fill(number))
const [alice, bob, carol, oscar] = [keysOf(1), keysOf(2), keysOf(3), keysOf(4)]
const { room, opening } = foundRoom(alice, {
  name: 'ops',
  nonce: new Uint8Array(32).fill(5),
  rescue: undefined,
  isClosed: false,
  time: TIME,
})

const admission = (subject: KeyPair, role: 'host' | 'member'): Body => ({
  kind: 'admit',
  subject: authorOfKey(subject.publicKey),
  role,
  consent: signConsent(room.id, subject),
  time: TIME,
})
const naming = (name: string): Body => ({ kind: 'name', name, time: TIME })
const signed = (by: KeyPair, previous: Operation | undefined, body: Body): Operation =>
  signOperation(
    room.id,
    by,
    { term: NO_OPERATION, seq: (previous?.seq ?? 0) + 1, previous: previous?.id ?? NO_OPERATION },
    body,
  )
const forged = ({ bytes }: Operation): Uint8Array => {
  const copy = Uint8Array.from(bytes)
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1
  return copy
}
const admittedBob = signed(alice, opening, admission(bob, 'host'))
const admittedCarol = signed(bob, undefined, admission(carol, 'member'))

/** A room of somebody who knows the founder alone, and counts the operations that it checks. */
class CountedRoom {
  readonly room = room
  membership = new Membership(room, [opening])
  checks = 0
  readonly stored: Operation[] = [opening]

  check(items: readonly Uint8Array[]): Operation[] | undefined {
    this.checks += items.length
    const operations = items.flatMap(bytes => {
      const result = checkOperation(room, bytes)
      return result.kind === 'operation' ? result.operation : []
    })
    return operations.length === items.length ? operations : undefined
  }

  async add(operations: readonly Operation[]): Promise<void> {
    this.stored.push(...operations)
    this.membership = new Membership(room, this.stored)
  }

  isMember(key: string): boolean {
    return this.membership.members.has(key as AuthorId)
  }
}

/** Lets operations arrive, each list over a connection of its own, and all be checked. */
async function receive(...lists: readonly (readonly Uint8Array[])[]): Promise<CountedRoom> {
  const [clock, members] = [new VirtualClock(), new CountedRoom()]
  const checks = new EvidenceChecks(clock)
  for (const items of lists) checks.take({ evidence: new EvidenceSource() }, members, items)
  while (clock.timers > 0) {
    clock.advance(1_000)
    await new Promise(setImmediate)
  }
  return members
}

test('checks a chain of admissions from the founder to somebody unknown', async () => {
  const members = await receive([opening, admittedBob, admittedCarol].map(({ bytes }) => bytes))
  assert.equal(members.isMember(authorOfKey(carol.publicKey)), true)
})

test('checks a chain that takes longer than a second', async () => {
  const names: Operation[] = []
  for (let number = 0; number < 400; number++) names.push(signed(alice, names.at(-1) ?? opening, naming(`${number}`)))
  const admitted = signed(alice, names.at(-1), admission(bob, 'host'))
  const members = await receive([...names, admitted, admittedCarol].map(({ bytes }) => bytes))
  assert.equal(members.isMember(authorOfKey(carol.publicKey)), true)
})

test('checks no operation of an author whom nobody admitted', async () => {
  const operations = Array.from({ length: 100 }, (_, number) => signed(oscar, undefined, naming(`${number}`)))
  const members = await receive(operations.map(({ bytes }) => bytes))
  assert.equal(members.checks, 0)
  assert.equal(members.stored.length, 1)
})

test('checks nothing more from a connection once an operation fails, and continues with other connections', async () => {
  const operations = Array.from({ length: 100 }, (_, number) => forged(signed(alice, opening, naming(`${number}`))))
  const members = await receive(
    operations,
    [admittedBob, admittedCarol].map(({ bytes }) => bytes),
  )
  assert.equal(members.checks, 3)
  assert.equal(members.isMember(authorOfKey(carol.publicKey)), true)
})

test('counts empty operations against the limit of a connection', () => {
  const [clock, members] = [new VirtualClock(), new CountedRoom()]
  const checks = new EvidenceChecks(clock)
  const evidence = new EvidenceSource()
  const frame = Array.from({ length: 10_000 }, () => new Uint8Array())
  checks.take({ evidence }, members, frame)
  assert.equal(clock.timers, 0)
})
