import assert from 'node:assert/strict'
import test from 'node:test'
import type { AuthorId } from '../../../src/log/format/author.js'
import type { Room } from '../../../src/node/room.js'
import { DirectWorld } from '../../helper/direct-world.js'
import { MemoryDisk } from '../../helper/memory-store.js'

const KNOWN = 'b0'.repeat(32) as AuthorId
const FRESH = '3f'.repeat(32) as AuthorId

test('nothing is sent to a name with two keys until one is chosen', async t => {
  const alice = await DirectWorld.start(t)
  alice.pins.met('bob', KNOWN, 1)
  const room = await alice.open(t, KNOWN)
  await room.say('before')
  assert.equal(alice.pins.met('bob', FRESH, 2), 'other-key')
  const refusal = {
    code: 'ROOM_REFUSED',
    message: /bob has two keys, b0b0b0b0 which you know, and 3f3f3f3f which is new/,
  }
  await assert.rejects(room.say('after'), refusal)
  await assert.rejects(alice.direct.resolve('@bob'), refusal)
  await assert.rejects(
    alice.direct.run({ do: 'msg', who: 'bob', text: 'after' }, () => {}),
    refusal,
  )
  alice.pins.pin({ name: 'bob', key: KNOWN, since: 3, how: 'met' })
  assert.equal((await alice.direct.resolve('@bob')).direct?.other, KNOWN)
  await room.say('after')
  // The refused key is not reported again.
  assert.equal(alice.pins.met('bob', FRESH, 4), 'other-key-again')
  assert.equal((await alice.direct.resolve('bob')).name, '@bob')
})

test('an accepted key gets a room of its own, and the room of the former key has that key in its name', async t => {
  const alice = await DirectWorld.start(t)
  alice.pins.met('bob', KNOWN, 1)
  const before = await alice.direct.resolve('@bob')
  await alice.open(t, KNOWN)
  alice.pins.pin({ name: 'bob', key: FRESH, since: 2, how: 'met' })
  assert.deepEqual(alice.recycled, ['@bob'])
  const after = await alice.direct.resolve('@bob')
  assert.equal(after.direct?.other, FRESH)
  assert.notEqual(after.label, before.label)
  assert.equal((await alice.direct.resolve('@bob-b0b0b0b0')).label, before.label)
})

test('a name without a key says how to give it one', async t => {
  const alice = await DirectWorld.start(t)
  const unknown = { code: 'ROOM_REFUSED', message: 'nobody called bob is known here' }
  await assert.rejects(alice.direct.resolve('@bob'), unknown)
  alice.direct.onRequest({ key: KNOWN, block: '1', name: 'bob', text: 'hello' })
  await assert.rejects(alice.direct.resolve('@bob'), { hint: /\/accept bob b0b0b0b0/ })
  alice.direct.onRequest({ key: FRESH, block: '2', name: 'Bob', text: 'hello' })
  await assert.rejects(alice.direct.resolve('@bob'), { message: 'bob has several keys: b0b0b0b0, 3f3f3f3f' })
})

test('a request from somebody who shares a private room is reported by name, and that of a stranger is not', async t => {
  const alice = await DirectWorld.start(t)
  const isMember = (key: string): boolean => key === KNOWN
  alice.rooms.push({ peer: { members: { isMember }, presence: [] } as unknown as Room })
  alice.direct.onRequest({ key: FRESH, block: '2', name: 'mallory', text: 'hello' })
  alice.direct.onRequest({ key: KNOWN, block: '1', name: 'bob', text: 'hello' })
  assert.deepEqual(alice.events, [
    { kind: 'strangers-ask', count: 1 },
    { kind: 'message-request', name: 'bob', key: KNOWN },
  ])
})

test('a hidden person may not ask to talk, over restarts, until they are shown again', async t => {
  const disk = new MemoryDisk()
  const alice = await DirectWorld.start(t, 'anyone', disk)
  alice.pins.met('bob', KNOWN, 1)
  alice.direct.onRequest({ key: FRESH, block: '2', name: 'mallory', text: 'hello' })
  const run = (world: DirectWorld, name: string) => world.direct.run({ do: name, keys: [FRESH, KNOWN, 'x'] }, () => {})
  await run(alice, 'hide')
  assert.deepEqual(alice.requests.all, [])
  const again = await DirectWorld.start(t, 'anyone', disk)
  for (const { direct } of [alice, again]) {
    assert.equal(direct.mayAsk(FRESH), false)
    assert.equal(direct.isContact(KNOWN), false)
  }
  await run(again, 'show')
  assert.ok(again.direct.mayAsk(FRESH) && again.direct.isContact(KNOWN))
  assert.ok((await DirectWorld.start(t, 'anyone', disk)).direct.mayAsk(FRESH))
})

test('sharing a private room makes somebody known for --direct known', async t => {
  const alice = await DirectWorld.start(t, 'known')
  const isMember = (key: string): boolean => key === KNOWN
  alice.rooms.push({ peer: { members: { isMember }, presence: [] } as unknown as Room })
  assert.deepEqual(
    [KNOWN, FRESH].map(key => alice.direct.mayAsk(key as AuthorId)),
    [true, false],
  )
})

test('an existing conversation continues with --direct nobody', async t => {
  const alice = await DirectWorld.start(t, 'nobody')
  alice.pins.met('bob', KNOWN, 1)
  assert.equal(alice.direct.isContact(KNOWN), false)
  await alice.direct.resolve('@bob')
  assert.equal(alice.direct.isContact(KNOWN), true)
})

test('declines somebody by their name or key, and asks which of several', async t => {
  const alice = await DirectWorld.start(t)
  const said: unknown[] = []
  const decline = (who: string, digits = '') =>
    alice.direct.run({ do: 'decline', who, digits }, item => void said.push(item))
  alice.direct.onRequest({ key: KNOWN, block: '1', name: 'bob', text: 'hello' })
  alice.direct.onRequest({ key: FRESH, block: '2', name: 'Bob', text: 'hello' })
  await assert.rejects(decline('bob'), {
    code: 'BAD_USAGE',
    message: 'several people called bob ask: b0b0b0b0, 3f3f3f3f',
  })
  await decline('bob', '3f3f3f3f')
  await decline('b0b0b0b0')
  assert.deepEqual(said, [
    { key: FRESH, name: 'Bob' },
    { key: KNOWN, name: 'bob' },
  ])
  assert.deepEqual(alice.requests.all, [])
  await assert.rejects(decline('bob'), { message: 'nobody called bob asks to talk' })
})
