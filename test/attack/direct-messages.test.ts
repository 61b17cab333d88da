import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { AuthorId } from '../../src/log/format/author.js'
import { directRoomId } from '../../src/membership/format/room.js'
import type { Room } from '../../src/node/room.js'
import { DirectWorld } from '../helper/direct-world.js'
import { type Keys, keyPair } from './author.js'
import { utf8, varint } from './bytes.js'
import { HostilePeer } from './hostile-peer.js'
import { until } from './victims.js'

const TIMEOUT = { timeout: 60_000 }
const REQUEST = 9
const ANSWER_MS = 1_500

const roomWith = ({ me }: DirectWorld, keys: Keys): Buffer => Buffer.from(directRoomId(me, keys.hex as AuthorId))

const portOf = (room: Room): number => Number(room.address.split(':').at(-1))

async function dial(t: TestContext, room: Room, options = {}): Promise<HostilePeer> {
  const peer = await HostilePeer.dial(portOf(room), options)
  t.after(() => peer.end())
  return peer
}

const ask = (peer: HostilePeer, room: Buffer, name: string, text: string): boolean =>
  peer.sendAbout(room, REQUEST, varint(Buffer.byteLength(name)), utf8(name), utf8(text))

test('a direct room opens only to the key of the other person', TIMEOUT, async t => {
  const alice = await DirectWorld.start(t)
  const bob = keyPair()
  alice.pins.met('bob', bob.hex as AuthorId, 1)
  const lobby = await alice.open(t)
  const direct = await alice.open(t, bob.hex as AuthorId)
  await direct.say('for bob alone')
  const roomId = roomWith(alice, bob)
  // She knows both keys, and so the id of their room.
  const mallory = await dial(t, lobby)
  const outside = HostilePeer.dial(portOf(lobby), { roomId })
  outside.then(
    peer => peer.end(),
    () => {},
  )
  assert.equal(await until(direct, () => direct.connectionSummary.connected.length > 0, ANSWER_MS), false)
  assert.equal(mallory.isNamed(roomId), false)
  // The control: bob's key gets in.
  await dial(t, lobby, { keys: bob, roomId })
  assert.ok(await until(direct, () => direct.connectionSummary.connected.length === 1, 10_000))
})

test(
  'strangers who ask to talk cost a bounded number of bytes, get no answer, and are reported without their text',
  TIMEOUT,
  async t => {
    const alice = await DirectWorld.start(t)
    const lobby = await alice.open(t)
    const strangers: HostilePeer[] = []
    for (let index = 0; index < 40; index++) {
      const peer = await dial(t, lobby, { from: `127.0.0.${2 + (index % 200)}` })
      strangers.push(peer)
      for (let line = 0; line < 40; line++) ask(peer, roomWith(alice, peer.keys), 'root', `pay me ${line}`)
      ask(peer, roomWith(alice, peer.keys), 'root', 'x'.repeat(5_000))
    }
    assert.ok(await until(lobby, () => alice.requests.all.length === 16, 10_000))
    for (const peer of strangers) assert.equal(peer.isNamed(roomWith(alice, peer.keys)), false)
    for (const { text } of alice.requests.all) assert.ok(Buffer.byteLength(text) <= 4_096)
    const reported = alice.events.filter(({ kind }) => kind === 'strangers-ask' || kind === 'message-request')
    assert.deepEqual(reported, [{ kind: 'strangers-ask', count: 1 }])
    assert.equal(alice.opened.size, 0)
  },
)

test(
  'a request is accepted only for the key that is proven, and only in the direct room of the two',
  TIMEOUT,
  async t => {
    const alice = await DirectWorld.start(t)
    const lobby = await alice.open(t)
    const [bob, mallory] = [keyPair(), await dial(t, lobby)]
    ask(mallory, roomWith(alice, bob), 'bob', 'it is me')
    ask(mallory, randomBytes(32), 'bob', 'it is me')
    mallory.sendAbout(roomWith(alice, mallory.keys), REQUEST)
    ask(mallory, roomWith(alice, mallory.keys), 'mallory', 'hello')
    assert.ok(await until(lobby, () => alice.requests.all.length > 0, 10_000))
    assert.deepEqual(
      alice.requests.all.map(({ key, text }) => [key, text]),
      [[mallory.keys.hex, 'hello']],
    )
    // Once she is accepted, the room is opened when she connects, and her requests have no effect.
    alice.pins.pin({ name: 'mallory', key: mallory.keys.hex as AuthorId, since: 1, how: 'met' })
    assert.ok(await until(lobby, () => alice.opened.size > 0 && alice.requests.all.length === 0, 10_000))
    assert.deepEqual([...alice.opened], ['@mallory'])
  },
)

for (const [policy, asks] of [
  ['anyone', ['bob', 'mallory']],
  ['known', ['bob']],
  ['nobody', []],
] as const)
  test(
    `with --direct ${policy}, ${asks.join(' and ') || 'nobody'} may ask to talk, and nobody else gets an answer`,
    TIMEOUT,
    async t => {
      const alice = await DirectWorld.start(t, policy)
      const lobby = await alice.open(t)
      const [bob, carol] = [keyPair(), keyPair()]
      alice.pins.address(bob.hex as AuthorId)
      alice.pins.met('carol', carol.hex as AuthorId, 1)
      const [mallory, known] = [await dial(t, lobby), await dial(t, lobby, { keys: bob })]
      // She names the room at once. The victim does not open it, so her dial attempt never ends in it.
      const pinned = HostilePeer.dial(portOf(lobby), { keys: carol, roomId: roomWith(alice, carol) })
      pinned.then(
        peer => peer.end(),
        () => {},
      )
      ask(mallory, roomWith(alice, mallory.keys), 'mallory', 'hello')
      ask(known, roomWith(alice, bob), 'bob', 'hello')
      await until(lobby, () => alice.requests.all.length > asks.length, ANSWER_MS)
      assert.deepEqual(alice.requests.all.map(({ name }) => name).sort(), asks)
      for (const peer of [mallory, known]) assert.equal(peer.isNamed(roomWith(alice, peer.keys)), false)
      assert.deepEqual([...alice.opened], policy === 'nobody' ? [] : ['@carol'])
    },
  )
