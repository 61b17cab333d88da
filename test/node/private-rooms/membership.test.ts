import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorOfKey } from '../../../src/log/format/author.js'
import { parseAddress } from '../../../src/net/lan/address.js'
import type { Room } from '../../../src/node/room.js'
import { openConnections } from '../../helper/connections-world.js'
import {
  admitAgain,
  invite,
  membersOf,
  Person,
  remove,
  removeAnyway,
  textsIn,
  until,
} from '../../helper/private-room.js'

const BOUND = { timeout: 40_000 }

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

test(
  'nothing that is written after a removal reaches the removed member, who learns of the removal',
  BOUND,
  async t => {
    const [alice, bob] = [await Person.create(t, 'alice'), await Person.create(t, 'bob')]
    const atAlice = await alice.found('ops')
    const atBob = await bob.enter(await invite(atAlice), atAlice)
    await atAlice.say('hello')
    await until(atBob, () => atBob.heads.length === 1)
    await remove(atAlice, atBob.id)
    await atAlice.say('secret')
    assert.equal(atAlice.connectionSummary.connected.length, 0)
    assert.deepEqual(atAlice.presence, [])
    await until(atBob, () => !membersOf(atBob).isMember(atBob.id))
    assert.deepEqual(await textsIn(atBob), ['hello'])
  },
)

test('a member who was admitted elsewhere proves it to members who do not know yet', BOUND, async t => {
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

test(
  'lines that somebody wrote after their removal are accepted from nobody, those after a readmission from everybody',
  BOUND,
  async t => {
    const people = await Promise.all(['alice', 'bob', 'carol'].map(name => Person.create(t, name)))
    const [alice, bob, carol] = people as [Person, Person, Person]
    const before = await alice.found('ops')
    const atBob = await bob.enter(await invite(before), before)
    const atCarol = await carol.enter(await invite(before), before)
    await atBob.say('before')
    await until(before, () => before.heads.length === 1)
    await until(atCarol, () => atCarol.heads.length === 1)
    atCarol.connect(atBob.address)
    await until(atCarol, () => atCarol.connectionSummary.connected.length === 2)
    // Alice is back at another address, which nobody knows, when she removes bob. Carol is connected to him.
    await alice.close()
    const atAlice = await alice.open('ops', membersOf(before).room)
    await remove(atAlice, atBob.id)
    await atBob.say('after')
    await until(atCarol, () => atCarol.heads.some(({ seq }) => seq === 3))
    assert.deepEqual(await textsIn(atCarol), ['after', 'before'])
    atCarol.connect(atAlice.address)
    const withdrawn = new Promise(resolve => {
      atCarol.on(
        'event',
        event => event.kind === 'lines-withdrawn' && resolve([event.member, event.count, event.first]),
      )
    })
    await until(atCarol, () => !membersOf(atCarol).isMember(atBob.id))
    assert.deepEqual(await withdrawn, ['bob', 1, 'after'])
    await atCarol.say('hello')
    await until(atAlice, () => atAlice.heads.length === 2)
    assert.deepEqual(await textsIn(atAlice), ['before', 'hello'])
    assert.deepEqual(await textsIn(atCarol), ['before', 'hello'])

    await admitAgain(atAlice, atBob.id)
    atBob.connect(atAlice.address)
    await until(atBob, () => membersOf(atBob).isMember(atBob.id) && atBob.connectionSummary.connected.length > 0)
    await atBob.say('again')
    await until(atAlice, () => atAlice.heads.length === 3)
    assert.deepEqual(await textsIn(atAlice), ['again', 'before', 'hello'])
  },
)

test('admins who remove each other apart agree everywhere once they meet', BOUND, async t => {
  const names = ['alice', 'bob', 'carol', 'dave']
  const people = await Promise.all(names.map(name => Person.create(t, name)))
  const [alice, bob, carol, dave] = people as [Person, Person, Person, Person]
  const founded = await alice.found('ops')
  const entered = [
    founded,
    await bob.enter(await invite(founded, { role: 'admin' }), founded),
    await carol.enter(await invite(founded, { role: 'admin' }), founded),
    await dave.enter(await invite(founded), founded),
  ]
  for (const room of entered) await until(room, () => membersOf(room).membership.members.size === 4)
  // All are back at other addresses, which nobody knows.
  for (const person of people) await person.close()
  const rooms = await Promise.all(people.map(person => person.open('ops', membersOf(founded).room)))
  const [atAlice, atBob, atCarol, atDave] = rooms as [Room, Room, Room, Room]
  await remove(atBob, atCarol.id)
  // Her program refuses that, since bob was admitted before her and is above her.
  await assert.rejects(remove(atCarol, atBob.id), { message: 'senior' })
  await removeAnyway(atCarol, await carol.keys(), atBob.id)
  for (const room of [atBob, atCarol, atDave]) room.connect(atAlice.address)
  for (const room of rooms) await until(room, () => membersOf(room).membership.members.size === 3)
  const seen = rooms.map(room => JSON.stringify([...membersOf(room).membership.members.values()]))
  assert.deepEqual(new Set(seen).size, 1)
  assert.ok(membersOf(atDave).isMember(atBob.id) && !membersOf(atDave).isMember(atCarol.id))
})

test('none of 1,000 lines after a removal reaches the removed member', BOUND, async t => {
  const people = await Promise.all(['alice', 'bob', 'carol'].map(name => Person.create(t, name)))
  const [alice, bob, carol] = people as [Person, Person, Person]
  const atAlice = await alice.found('ops')
  const atBob = await bob.enter(await invite(atAlice), atAlice)
  const atCarol = await carol.enter(await invite(atAlice), atAlice)
  atCarol.connect(atBob.address)
  await until(atBob, () => atBob.connectionSummary.connected.length > 0)
  await atAlice.say('before')
  await until(atBob, () => atBob.heads.length === 1)
  await remove(atAlice, atBob.id)
  await Promise.all(Array.from({ length: 1_000 }, (_, i) => atAlice.say(`secret ${i}`)))
  await until(atCarol, () => atCarol.heads.some(({ seq }) => seq >= 1_001))
  await until(atBob, () => !membersOf(atBob).isMember(atBob.id))
  assert.deepEqual(await textsIn(atBob), ['before'])
})

test('a member who slept through ten removals is not locked out', BOUND, async t => {
  const [alice, bob] = [await Person.create(t, 'alice'), await Person.create(t, 'bob')]
  const atAlice = await alice.found('ops')
  const atBob = await bob.enter(await invite(atAlice), atAlice)
  await until(atBob, () => atBob.connectionSummary.connected.length > 0)
  await bob.close()
  for (let i = 0; i < 10; i++) {
    const guest = await Person.create(t, `guest${i}`)
    await guest.join(await invite(atAlice), atAlice)
    const { members } = membersOf(atAlice).membership
    const [newest] = [...members.values()].sort((a, b) => (b.since ?? 0) - (a.since ?? 0))
    if (newest === undefined) throw new Error('nobody was admitted')
    await guest.close()
    await remove(atAlice, newest.author)
  }
  await atAlice.say('you missed a lot')
  const again = await bob.open('ops', membersOf(atBob).room)
  again.connect(atAlice.address)
  await until(again, () => again.heads.length === 1)
  assert.equal(membersOf(again).membership.former.size, 10)
  await again.say('I am here')
  await until(atAlice, () => atAlice.heads.length === 2)
})

test('a stranger with the stolen id of a room sees the same as if there were no room', BOUND, async t => {
  const alice = await Person.create(t, 'alice')
  const atAlice = await alice.found('ops')
  const seen: unknown[] = []
  for (const [index, room] of [membersOf(atAlice).room.id, Buffer.alloc(32, 9)].entries()) {
    const mallory = await openConnections(t, { me: 'mallory:1', peer: 8 + index, room, acceptsScuttleup: false })
    mallory.connections.add('alice', parseAddress(atAlice.address))
    await mallory.until(() => mallory.events.length > 0)
    assert.equal(mallory.connections.connections.length, 0)
    seen.push(mallory.events.map(event => (event.kind === 'dial-failed' ? event.reason : event.kind)))
  }
  assert.deepEqual(seen, [['other-room'], ['other-room']])
  assert.deepEqual(
    atAlice.heads.length + alice.events.filter(({ kind }) => kind === 'connection-opened').length,
    0,
    'nothing is reported either',
  )
})

test('a code with one use, raced from two partitions, admits both, and everybody is warned', BOUND, async t => {
  const names = ['alice', 'bob', 'carol', 'dave']
  const people = await Promise.all(names.map(name => Person.create(t, name)))
  const [alice, bob, carol, dave] = people as [Person, Person, Person, Person]
  const atAlice = await alice.found('ops')
  const before = await bob.enter(await invite(atAlice), atAlice)
  const code = await invite(atAlice, { role: 'member' })
  await until(before, () => membersOf(before).membership.invitations.length === 2)
  await bob.close()
  // Bob is back, and connected to nobody.
  const atBob = await bob.open('ops', membersOf(before).room)
  const [atCarol, atDave] = await Promise.all([carol.enter(code, atAlice), dave.enter(code, atBob)])
  assert.equal(membersOf(atAlice).isMember(atDave.id), false)
  assert.equal(membersOf(atBob).isMember(atCarol.id), false)
  atBob.connect(atAlice.address)
  for (const [index, room] of [atAlice, atBob, atCarol, atDave].entries()) {
    await until(room, () => membersOf(room).membership.members.size === 4)
    const [warning] = membersOf(room).membership.warnings
    assert.ok(warning?.kind === 'overused-invitation')
    assert.deepEqual([...warning.admitted].sort(), [atCarol.id, atDave.id].sort())
    const events = people[index]?.events ?? []
    if (!events.some(({ kind }) => kind === 'invitation-overused'))
      await new Promise<void>(resolve => room.on('event', ({ kind }) => kind === 'invitation-overused' && resolve()))
  }
})

test('a closed room admits a newcomer with a code when an admin says so, and asks once', BOUND, async t => {
  const people = await Promise.all(['alice', 'bob', 'carol'].map(name => Person.create(t, name)))
  const [alice, bob, carol] = people as [Person, Person, Person]
  const atAlice = await alice.found('ops', true)
  const asked = (): readonly string[] =>
    alice.events.flatMap(event => (event.kind === 'admission-asked' ? [event.key] : []))
  const waits = (): Promise<void> =>
    new Promise(resolve => void membersOf(atAlice).desk.once('asked', () => setImmediate(resolve)))
  const code = await invite(atAlice, { uses: 2, role: 'member' })
  const bobWaits = waits()
  const joined = bob.join(code, atAlice)
  await bobWaits
  const [bobKey] = membersOf(atAlice).desk.waiting()
  assert.ok(bobKey !== undefined)
  assert.equal(membersOf(atAlice).isMember(bobKey), false)
  assert.ok(await membersOf(atAlice).desk.admit(bobKey))
  assert.equal((await joined).name, 'ops')
  assert.ok(membersOf(atAlice).isMember(bobKey))

  const carolWaits = waits()
  carol.join(code, atAlice).catch(() => {})
  await carolWaits
  const [carolKey] = membersOf(atAlice).desk.waiting()
  assert.ok(carolKey !== undefined)
  await membersOf(atAlice).desk.refuse(carolKey)
  // They ask again with each code and connection: another newcomer is asked about, they are not.
  membersOf(atAlice).desk.ask(carolKey, 'carol', async () => true)
  assert.equal(membersOf(atAlice).isMember(carolKey), false)
  assert.deepEqual(asked(), [bobKey, carolKey])

  await atAlice.close()
  const { desk } = membersOf(await alice.open('ops', membersOf(atAlice).room))
  desk.ask(carolKey, 'carol', async () => true)
  assert.deepEqual(desk.waiting(), [])
  await desk.lift(carolKey)
  desk.ask(carolKey, 'carol', async () => true)
  assert.deepEqual(desk.waiting(), [carolKey])
})

test('somebody who joined and has not opened the room has the name that they gave', BOUND, async t => {
  const people = await Promise.all(['alice', 'bob', 'carol'].map(name => Person.create(t, name)))
  const [alice, bob, carol] = people as [Person, Person, Person]
  const atAlice = await alice.found('ops')
  const code = await invite(atAlice, { uses: 2 })
  await bob.join(code, atAlice)
  const bobKey = authorOfKey((await bob.keys()).publicKey)
  await until(atAlice, () => membersOf(atAlice).nameOf(bobKey) === 'bob')
  const atCarol = await carol.enter(code, atAlice)
  await until(atCarol, () => membersOf(atCarol).nameOf(bobKey) === 'bob')
})

test(
  'a newcomer to a closed room is shown with the name that they gave, but not with that of somebody else',
  BOUND,
  async t => {
    const asked = async (name: string) => {
      const alice = await Person.create(t, 'alice')
      const newcomer = await Person.create(t, name)
      const atAlice = await alice.found('ops', true)
      const waits = new Promise(resolve => void membersOf(atAlice).desk.once('asked', () => setImmediate(resolve)))
      newcomer.join(await invite(atAlice, { role: 'member' }), atAlice).catch(() => {})
      await waits
      return alice.events.flatMap(event => (event.kind === 'admission-asked' ? [[event.name, event.isClaimed]] : []))
    }
    assert.deepEqual(await asked('bob'), [['bob', true]])
    assert.deepEqual(await asked('Alice'), [['', undefined]])
  },
)
