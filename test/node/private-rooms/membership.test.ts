import assert from 'node:assert/strict'
import { test } from 'node:test'
import { invite, membersOf, Person, remove, textsIn, until } from '../../helper/private-room.js'

const BOUND = { timeout: 15_000 }

test('a newcomer with a code is admitted, reads the history, and is heard', BOUND, async t => {
  const [alice, bob] = [await Person.create(t, 'alice'), await Person.create(t, 'bob')]
  const atAlice = await alice.found('ops')
  await atAlice.say('before')
  const atBob = await bob.enter(await invite(atAlice), atAlice)
  await atBob.say('hello')
  await until(atAlice, () => atAlice.heads.length === 2)
  await until(atBob, () => atBob.heads.length === 2)
  assert.deepEqual(await textsIn(atAlice), ['before', 'hello'])
  assert.deepEqual(await textsIn(atBob), ['before', 'hello'])
  assert.equal(membersOf(atBob).membership.members.get(atBob.id)?.role, 'host')
  await until(atAlice, () => membersOf(atAlice).nameOf(atBob.id) === 'bob')
  await until(atBob, () => membersOf(atBob).nameOf(atAlice.id) === 'alice')
})

test('nothing that is written after a removal reaches the removed one, who learns of it', BOUND, async t => {
  const [alice, bob] = [await Person.create(t, 'alice'), await Person.create(t, 'bob')]
  const atAlice = await alice.found('ops')
  const atBob = await bob.enter(await invite(atAlice), atAlice)
  await atAlice.say('hello')
  await until(atBob, () => atBob.heads.length === 1)
  await remove(atAlice, atBob.id)
  await atAlice.say('secret')
  assert.equal(atAlice.connectionSummary.connected.length, 0)
  await until(atBob, () => !membersOf(atBob).isMember(atBob.id))
  assert.deepEqual(await textsIn(atBob), ['hello'])
})

test('a member who was admitted elsewhere proves it to those who have not heard', BOUND, async t => {
  const people = await Promise.all(['alice', 'bob', 'carol'].map(name => Person.create(t, name)))
  const [alice, bob, carol] = people as [Person, Person, Person]
  const atAlice = await alice.found('ops')
  const atBob = await bob.enter(await invite(atAlice), atAlice)
  await until(atBob, () => atBob.connectionSummary.connected.length === 1)
  // Carol is admitted by alice alone, while bob is away.
  await bob.close()
  const atCarol = await carol.enter(await invite(atAlice, { role: 'member' }), atAlice)
  await until(atCarol, () => atCarol.connectionSummary.connected.length === 1)
  await alice.close()
  const again = await bob.open('ops', membersOf(atBob).room)
  assert.equal(membersOf(again).isMember(atCarol.id), false)
  await atCarol.say('hello')
  atCarol.connect(again.address)
  await until(again, () => again.heads.length === 1)
  assert.deepEqual(await textsIn(again), ['hello'])
})

for (const [what, options, reason] of [
  ['expired', { until: Date.now() - 1 }, 'expired'],
  ['spent', { uses: 1 }, 'used'],
] as const)
  test(`a code that is ${what} is refused`, BOUND, async t => {
    const people = await Promise.all(['alice', 'bob', 'carol'].map(name => Person.create(t, name)))
    const [alice, bob, carol] = people as [Person, Person, Person]
    const atAlice = await alice.found('ops')
    const code = await invite(atAlice, options)
    if (reason === 'used') await bob.join(code, atAlice)
    await assert.rejects(carol.join(code, atAlice), { message: reason })
  })

test('a removed member is not let in by another code', BOUND, async t => {
  const [alice, bob] = [await Person.create(t, 'alice'), await Person.create(t, 'bob')]
  const atAlice = await alice.found('ops')
  await bob.join(await invite(atAlice), atAlice)
  const [bobId] = [...membersOf(atAlice).membership.members.keys()].filter(id => id !== atAlice.id)
  if (bobId === undefined) throw new Error('bob is missing')
  await remove(atAlice, bobId)
  await assert.rejects(bob.join(await invite(atAlice), atAlice), { message: 'removed' })
})
