import assert from 'node:assert/strict'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { NodeStore } from '../../src/host/server/node-store.js'
import { authorOf } from '../../src/log/format/author.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import { homeOf } from '../../src/node/paths.js'
import { Author } from '../attack/author.js'
import { headsFrame, segmentsFrame } from '../attack/frames.js'
import { HostilePeer } from '../attack/hostile-peer.js'
import { storedOf, until as untilStored, victim } from '../attack/victims.js'
import { startChat } from '../helper/chat-process.js'
import { invite, membersOf, Person, removeAnyway, textsIn, until } from '../helper/private-room.js'

const BOUND = { timeout: 120_000 }

/** Lets the running node of a user store a change. */
async function inStore(data: string, me: string, work: (store: NodeStore) => Promise<void>): Promise<void> {
  const store = await LevelStore.open(path.join(homeOf(data, me).directory, 'node'))
  await work(new NodeStore(store)).finally(() => store.close())
}

async function logOf(t: TestContext, data: string, ...options: readonly string[]): Promise<readonly string[]> {
  const child = startChat(t, ['log', 'alice', '--data', data, ...options])
  const { code } = await child.exited
  assert.equal(code, 0, child.transcript())
  return child.stdout
}

test('log shows a known person by name alone, as the other views do', BOUND, async t => {
  const alice = await victim(t, 'alice')
  const [first, second] = [await HostilePeer.dial(alice.port), await HostilePeer.dial(alice.port)]
  const authors = [first, second].map((peer, index) => {
    t.after(() => peer.end())
    const author = new Author(peer.room, peer.keys)
    const lines = author.lines('bob', 1, 0, Date.now() + index)
    peer.send(headsFrame([]), ...lines.map(line => segmentsFrame([line])))
    return author.keys.hex
  })
  const [known = '', other = ''] = authors
  assert.ok(await untilStored(alice.room, () => authors.every(key => storedOf(alice.room, key) === 1), 10_000))
  await alice.room.close()
  const both = [known, other].map(key => `bob (${key.slice(0, 8)})> 1 `)
  assert.deepEqual(await logOf(t, alice.data), both, 'control: nobody is known')
  const key = authorOf(known) ?? assert.fail()
  await inStore(alice.data, 'alice', store => store.putPin({ name: 'bob', key, since: 1, how: 'met' }))
  assert.deepEqual(await logOf(t, alice.data), ['bob> 1 ', both[1]])
})

test('log shows no lines of a private room that no longer count', BOUND, async t => {
  const [alice, bob] = [await Person.create(t, 'alice'), await Person.create(t, 'bob')]
  const ops = await alice.found('ops')
  const { room: privateRoom } = membersOf(ops)
  const bobs = await bob.enter(await invite(ops), ops)
  await bobs.say('from bob')
  await ops.say('from alice')
  await until(ops, () => ops.heads.some(({ author, seq }) => author.startsWith(bobs.id) && seq >= 2))
  const label = ops.label
  await alice.close()
  await inStore(alice.data, 'alice', store => store.enter({ name: 'ops', label, enteredAt: 1, privateRoom }))
  const texts = async (...options: string[]) => [...(await logOf(t, alice.data, '--room', 'ops', ...options))].sort()
  assert.deepEqual(await texts(), ['alice> from alice', 'bob> from bob'], 'control: bob is a member')

  const again = await alice.open('ops', privateRoom)
  await removeAnyway(again, await alice.keys(), bobs.id)
  assert.deepEqual(await textsIn(again), ['from alice'], 'as other views show it')
  await alice.close()
  assert.deepEqual(await texts(), ['alice> from alice'])
  assert.deepEqual(await texts('--last', '1'), ['alice> from alice'])
  assert.deepEqual(await texts('--author', 'bob'), [])
})
