import assert from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { homeOf } from '../../../src/node/paths.js'
import type { Room } from '../../../src/node/room.js'
import { invite, membersOf, Person, remove, until } from '../../helper/private-room.js'
import { temporaryDirectory } from '../../helper/temporary-directory.js'

const BOUND = { timeout: 40_000 }

const warningsIn = (room: Room): readonly string[] => membersOf(room).membership.warnings.map(({ kind }) => kind)
const openInvitations = (room: Room): number =>
  membersOf(room).membership.invitations.filter(({ state }) => state === 'open').length
const isConnected = (room: Room): boolean => room.connectionSummary.connected.length > 0

/** Resolves when the room knows what its user signed. */
const known = async (room: Room): Promise<void> => {
  while (membersOf(room).doubt !== undefined)
    await membersOf(room)
      .settled()
      .then(() => new Promise(setImmediate))
}

/** Alice's data as they were before she made two invitations that bob knows, put back. Carol is a member, and not connected. */
async function restored(t: TestContext) {
  const people = await Promise.all(['alice', 'bob', 'carol'].map(name => Person.create(t, name)))
  const [alice, bob, carol] = people as [Person, Person, Person]
  const first = await alice.found('ops')
  const atBob = await bob.enter(await invite(first), first)
  const atCarol = await carol.enter(await invite(first), first)
  await until(atBob, () => membersOf(atBob).isMember(atCarol.id) && isConnected(atBob))
  await alice.close()
  await carol.close()
  const { room } = membersOf(first)
  const backup = await temporaryDirectory(t)
  await cp(alice.data, backup, { recursive: true })
  const second = await alice.open('ops', room)
  second.connect(atBob.address)
  // The mark would restore one operation that the database lacks.
  await invite(second)
  await invite(second)
  await until(atBob, () => openInvitations(atBob) === 2)
  await alice.close()
  await rm(alice.data, { recursive: true })
  await cp(backup, alice.data, { recursive: true })
  return { alice, atBob, carol: atCarol.id, atAlice: await alice.open('ops', room) }
}

test('a restored backup signs no operation before a member has shown what its user signed', BOUND, async t => {
  const { atAlice, atBob, carol } = await restored(t)
  assert.equal(membersOf(atAlice).doubt, 'behind')
  await assert.rejects(remove(atAlice, carol), { message: 'in-doubt' })
  atAlice.connect(atBob.address)
  await known(atAlice)
  await remove(atAlice, carol)
  await until(atBob, () => !membersOf(atBob).isMember(carol))
  assert.equal(openInvitations(atBob), 2)
  assert.deepEqual(warningsIn(atBob), [])
  assert.deepEqual(warningsIn(atAlice), [])
})

test(
  'what an old copy signed all the same, and what it lacked, both count, and everybody is warned',
  BOUND,
  async t => {
    const { alice, atAlice, atBob, carol } = await restored(t)
    await membersOf(atAlice).settleDoubt()
    await remove(atAlice, carol)
    atAlice.connect(atBob.address)
    for (const room of [atAlice, atBob])
      await until(room, () => !membersOf(room).isMember(carol) && openInvitations(room) === 2)
    for (const room of [atAlice, atBob]) assert.deepEqual(warningsIn(room), ['fork'])
    assert.deepEqual(
      // One of the two histories counts: two invitations or one removal are signed again.
      alice.events.flatMap(event => (event.kind === 'operations-repeated' ? [event.count > 0] : [])),
      [true],
    )
    assert.equal(membersOf(atAlice).doubt, undefined)
  },
)

test('an operation that a crash kept from the database counts after the start', BOUND, async t => {
  const alice = await Person.create(t, 'alice')
  const first = await alice.found('ops')
  const { room } = membersOf(first)
  await alice.close()
  const backup = await temporaryDirectory(t)
  await cp(alice.data, backup, { recursive: true })
  await invite(await alice.open('ops', room))
  await alice.close()
  // The mark has the operation, and the database does not.
  const { databaseName } = homeOf(alice.data, 'alice', 'ops', room.id)
  await rm(path.join(alice.data, 'alice', databaseName), { recursive: true })
  await cp(path.join(backup, 'alice', databaseName), path.join(alice.data, 'alice', databaseName), { recursive: true })
  const again = await alice.open('ops', room)
  assert.equal(membersOf(again).doubt, undefined)
  assert.equal(openInvitations(again), 1)
})

test('two machines with one key that sign apart agree on both once others meet', BOUND, async t => {
  const people = await Promise.all(['alice', 'bob', 'carol', 'dave'].map(name => Person.create(t, name)))
  const [alice, bob, carol, dave] = people as [Person, Person, Person, Person]
  const first = await alice.found('ops')
  const atBob = await bob.enter(await invite(first), first)
  const atCarol = await carol.enter(await invite(first), first)
  const atDave = await dave.enter(await invite(first), first)
  for (const room of [atBob, atCarol]) await until(room, () => membersOf(room).isMember(atDave.id) && isConnected(room))
  await dave.close()
  await alice.close()
  const other = await Person.create(t, 'alice')
  await cp(alice.data, other.data, { recursive: true })
  const state = process.env['XDG_STATE_HOME']
  const { room } = membersOf(first)
  const one = await alice.open('ops', room)
  process.env['XDG_STATE_HOME'] = await temporaryDirectory(t)
  const two = await other.open('ops', room)
  process.env['XDG_STATE_HOME'] = state
  assert.equal(membersOf(one).doubt, undefined)
  assert.equal(membersOf(two).doubt, 'moved')
  one.connect(atBob.address)
  two.connect(atCarol.address)
  await known(two)
  await remove(one, atDave.id)
  await invite(two)
  await until(atBob, () => !membersOf(atBob).isMember(atDave.id))
  await until(atCarol, () => openInvitations(atCarol) === 1)
  atBob.connect(atCarol.address)
  for (const each of [atBob, atCarol, one, two]) {
    await until(each, () => !membersOf(each).isMember(atDave.id) && openInvitations(each) === 1)
    assert.deepEqual(warningsIn(each), ['fork'])
  }
})
