import assert from 'node:assert/strict'
import { once } from 'node:events'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { NodeStore } from '../../src/host/server/node-store.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import type { Node } from '../../src/node/node.js'
import { openNode } from '../../src/node/open-node.js'
import type { Room } from '../../src/node/room.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const LOCAL = { listen: '127.0.0.1:0' }

async function nodeOf(t: TestContext, name: string, data?: string): Promise<Node> {
  const node = await openNode({ name, data: data ?? (await temporaryDirectory(t)), discovery: false })
  t.after(() => node.close())
  return node
}

async function textsIn(room: Room): Promise<string[]> {
  const texts: string[] = []
  for await (const { message } of room.messages()) texts.push(message)
  return texts
}

test('opens several rooms at once, each with its own log', async t => {
  const alice = await nodeOf(t, 'alice')
  const rooms = await Promise.all(['lobby', 'tea', 'coffee'].map(name => alice.room(name, LOCAL)))
  await Promise.all(rooms.map(room => room.say(`in ${room.room}`)))
  assert.deepEqual(await Promise.all(rooms.map(textsIn)), [['in lobby'], ['in tea'], ['in coffee']])
  assert.deepEqual(
    rooms.map(({ id }) => id),
    [alice.id, alice.id, alice.id],
  )
})

test('finds lines by their words, with their last text', async t => {
  const alice = await nodeOf(t, 'alice')
  const room = await alice.room('tea', LOCAL)
  for (const text of ['an apple for Zoë', 'a pear', 'two apples']) await room.say(text)
  await room.say({ kind: 'edit', to: { run: room.lastPlace?.run ?? 0, seq: 2 }, text: 'an APPLE pie' })
  const found: string[] = []
  for await (const { message } of room.search('apple from:me')) found.push(message)
  assert.deepEqual(found.sort(), ['an APPLE pie', 'an apple for Zoë'])
  await assert.rejects(async () => {
    for await (const _line of room.search('form:me')) assert.fail('it found a line')
  }, /there is no search operator form:/)
})

test('returns a room that is open already, and reopens a closed one', async t => {
  const alice = await nodeOf(t, 'alice')
  const [first, again] = await Promise.all([alice.room('tea', LOCAL), alice.room('tea')])
  assert.equal(first, again)
  await first.say('hello')
  await first.close()
  const reopened = await alice.room('tea', LOCAL)
  assert.notEqual(reopened, first)
  assert.deepEqual(await textsIn(reopened), ['hello'])
})

test('keeps its key, and opens a room in one node at a time', async t => {
  const data = await temporaryDirectory(t)
  const first = await nodeOf(t, 'alice', data)
  const second = await nodeOf(t, 'alice', data)
  assert.equal(first.id, second.id)
  await first.room('tea', LOCAL)
  await assert.rejects(second.room('tea', LOCAL), { code: 'LOG_LOCKED' })
  await first.close()
  await second.room('tea', LOCAL)
})

test('knows people after a restart, whom the chat program knows too', async t => {
  const [data, bob] = [await temporaryDirectory(t), await nodeOf(t, 'bob')]
  const before = await nodeOf(t, 'alice', data)
  const room = await before.room('tea', LOCAL)
  room.connect((await bob.room('tea', LOCAL)).address)
  while (room.people.addressed.length === 0) await once(room, 'change')
  room.pin('carol', bob.id, 'compared')
  await before.close()
  const after = await nodeOf(t, 'alice', data)
  const again = await after.room('tea', LOCAL)
  assert.deepEqual(
    again.people.pins.map(({ name, key, how }) => ({ name, key, how })),
    [{ name: 'carol', key: bob.id, how: 'compared' }],
  )
  assert.deepEqual(again.people.addressed, [bob.id])
  const store = await LevelStore.openCopy(path.join(data, 'alice', 'node'))
  assert.deepEqual((await new NodeStore(store.store).pins()).length, 1)
  await store.store.close()
})

test('replicates between two nodes in one process, and reports receipts', { timeout: 300_000 }, async t => {
  const [alice, bob] = await Promise.all([nodeOf(t, 'alice'), nodeOf(t, 'bob')])
  const [atAlice, atBob] = await Promise.all([alice.room('tea', LOCAL), bob.room('tea', LOCAL)])
  await atAlice.say('hello')
  atBob.connect(atAlice.address)
  for await (const { author, run, seq, message } of atBob.messages({ live: true })) {
    assert.deepEqual([author, message], [alice.id, 'hello'])
    await atAlice.delivered() // she named nobody, so anybody's receipt delivers it
    assert.deepEqual(atAlice.replicasOf({ run, seq }), { on: 0, of: 0, left: 0, strangers: 1 })
    atAlice.addressed(bob.id)
    assert.deepEqual(atAlice.replicasOf({ run, seq }), { on: 1, of: 1, left: 0 })
    break
  }
})

test('ends live readers at an abort and at the close', async t => {
  const alice = await nodeOf(t, 'alice')
  const room = await alice.room('tea', LOCAL)
  await room.say('hello')
  const stop = new AbortController()
  const texts: string[] = []
  for await (const { message } of room.messages({ live: true, signal: stop.signal })) {
    texts.push(message)
    stop.abort()
  }
  assert.deepEqual(texts, ['hello'])
  const reader = room.messages({ live: true, tail: true })
  const next = reader.next()
  await alice.close()
  assert.equal((await next).done, true)
})

test('drops an aborted message, and rejects messages after the close', async t => {
  const alice = await nodeOf(t, 'alice')
  const room = await alice.room('tea', LOCAL)
  await assert.rejects(room.say('never', { signal: AbortSignal.abort() }), { name: 'AbortError' })
  await assert.rejects(room.say('x'.repeat(100_000)), { code: 'BAD_MESSAGE' })
  await room.say('hello')
  assert.deepEqual(await textsIn(room), ['hello'])
  const closed = once(room, 'close')
  await room[Symbol.asyncDispose]()
  await closed
  await assert.rejects(room.say('too late'), { code: 'LOG_CLOSED' })
})

test('opens a room again after a failure, and none after the close', async t => {
  const alice = await nodeOf(t, 'alice')
  await assert.rejects(alice.room('tea', { listen: 'nowhere' }), { code: 'BAD_ADDRESS' })
  await alice.room('tea', LOCAL)
  await alice.close()
  await assert.rejects(alice.room('tea', LOCAL), { code: 'LOG_CLOSED' })
})

test('rejects an invalid name', async t => {
  const data = await temporaryDirectory(t)
  await assert.rejects(openNode({ name: 'a/b', data }), { code: 'BAD_NAME' })
})
