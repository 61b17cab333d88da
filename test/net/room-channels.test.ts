import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { frame } from '../../src/base/wire/frames.js'
import { BROKEN_CHANNEL_MS, RECALL_MS, ROOMLESS_MS_MAX } from '../../src/net/limits.js'
import type { RoomChannels } from '../../src/net/room-channels.js'
import { type ConnectionsWorld, openConnections, stranger, talk } from '../helper/connections-world.js'
import { keysOf, nativeEnd } from '../helper/handshake-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const BOUND = { timeout: 60_000 }
const [OPS, DEV, LAB] = [1, 2, 3].map(number => Buffer.alloc(32, number)) as [Buffer, Buffer, Buffer]

const peer = (t: Parameters<typeof openConnections>[0], number: number, room: Buffer, clock?: VirtualClock) =>
  openConnections(t, { me: `peer${number}:1`, peer: number, room, acceptsScuttleup: false, ...(clock && { clock }) })

const COOLDOWN_MS = 60_000

const isIn = (...rooms: readonly RoomChannels[]) => rooms.every(({ connections }) => connections.length === 1)

/** Everything that arrives in a room. */
function heardIn(room: RoomChannels): Buffer[] {
  const heard: Buffer[] = []
  for (const { stream } of room.connections) stream.on('data', (bytes: Buffer) => heard.push(bytes))
  return heard
}

/** Lets time pass for both sides, so slowly that heartbeats arrive. */
async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= 5_000) {
    clock.advance(Math.min(5_000, leftMs))
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
  }
}

/** Lets time pass until a condition holds. A side notices by its next heartbeat that the other one has closed a connection. */
async function passUntil(clock: VirtualClock, isSo: () => boolean): Promise<void> {
  while (!isSo()) await pass(clock, 100)
}

async function together(alice: ConnectionsWorld, bob: ConnectionsWorld): Promise<void> {
  alice.connections.add('bob', bob.address)
  await Promise.all([alice, bob].map(each => each.until(() => isIn(each.connections))))
}

test('two peers with several rooms in common have one connection, and each room hears its own', BOUND, async t => {
  const [alice, bob] = [await peer(t, 1, OPS), await peer(t, 2, OPS)]
  const [devA, devB] = [alice.open(DEV), bob.open(DEV)]
  alice.open(LAB)
  devA.add('bob', bob.address)
  await together(alice, bob)
  devB.add('alice', alice.address)
  await alice.until(() => isIn(alice.connections, devA))
  assert.deepEqual([alice.accepted.length, bob.accepted.length], [0, 1])
  const heard = { ops: heardIn(bob.connections), dev: heardIn(devB) }
  alice.connections.connections[0]?.stream.write(frame(Buffer.from('in ops')))
  devA.connections[0]?.stream.write(frame(Buffer.from('in dev')))
  await bob.until(() => heard.ops.length > 0 && heard.dev.length > 0)
  assert.deepEqual(Buffer.concat(heard.ops), frame(Buffer.from('in ops')))
  assert.deepEqual(Buffer.concat(heard.dev), frame(Buffer.from('in dev')))
  assert.deepEqual([alice.events, bob.events], [[], []])
})

test('opens a room on the connections that exist, closes it there, and opens it again', BOUND, async t => {
  const [alice, bob] = [await peer(t, 1, OPS), await peer(t, 2, OPS)]
  await together(alice, bob)
  const devA = alice.open(DEV)
  for (let round = 0; round < 3; round++) {
    const devB = bob.open(DEV)
    await Promise.all([alice.until(() => isIn(devA)), bob.until(() => isIn(devB))])
    devB.close()
    await alice.until(() => devA.connections.length === 0)
  }
  assert.deepEqual(alice.lost, ['closed', 'closed', 'closed'])
  assert.ok(isIn(alice.connections, bob.connections))
  assert.equal(bob.accepted.length, 1)
})

test('reports to a room once that a connected peer is not in it, until it is', BOUND, async t => {
  const [alice, bob] = [await peer(t, 1, OPS), await peer(t, 2, OPS)]
  await together(alice, bob)
  const dev = alice.open(DEV)
  dev.add('bob', bob.address)
  dev.add('bob', bob.address)
  const reason = 'other-room'
  const attempt = { name: 'bob', address: bob.address, tries: 1, reason }
  assert.deepEqual(alice.events, [{ kind: 'dial-failed', ...attempt }])
  assert.deepEqual([dev.dialAttempts, alice.connections.dialAttempts], [[attempt], []])
  bob.open(DEV)
  await alice.until(() => isIn(dev))
  assert.deepEqual(dev.dialAttempts, [])
})

test('does not report that a peer is missing in a room that it may not enter', async t => {
  const [alice, bob] = [await peer(t, 1, OPS), await peer(t, 2, OPS)]
  await together(alice, bob)
  const dev = alice.open(DEV, () => false)
  dev.add('bob', bob.address)
  assert.deepEqual([alice.events, dev.dialAttempts], [[], []])
})

test('a connection without a room in common waits 30 s for one', BOUND, async t => {
  const clock = new VirtualClock()
  const [alice, bob] = [await peer(t, 1, OPS, clock), await peer(t, 2, DEV, clock)]
  alice.connections.add('bob', bob.address)
  await alice.until(() => alice.events.length === 1)
  assert.deepEqual(alice.events, [
    { kind: 'dial-failed', name: 'bob', address: bob.address, tries: 1, reason: 'other-room' },
  ])
  clock.advance(ROOMLESS_MS_MAX - 1)
  const ops = bob.open(OPS)
  await Promise.all([alice.until(() => isIn(alice.connections)), bob.until(() => isIn(ops))])
  assert.deepEqual([bob.accepted.length, alice.connections.dialAttempts], [1, []])
  ops.close()
  await alice.until(() => alice.lost.length === 1)
  await pass(clock, ROOMLESS_MS_MAX - 1)
  assert.equal(bob.accepted[0]?.destroyed, false)
  await pass(clock, 1)
  await bob.until(() => bob.accepted[0]?.destroyed === true)
})

test(
  'reports once that a peer opens a room that is closed here, and opens a channel when the room is opened for it',
  BOUND,
  async t => {
    for (const hasOther of [true, false]) {
      const clock = new VirtualClock()
      const [alice, bob] = [await peer(t, 1, OPS, clock), await peer(t, 2, hasOther ? OPS : DEV, clock)]
      let dev: RoomChannels | undefined
      let times = 0
      const unwatch = alice.watch(DEV, () => {
        times++
        dev ??= alice.open(DEV)
      })
      const inDev = hasOther ? bob.open(DEV) : bob.connections
      alice.connections.add('bob', bob.address)
      await bob.until(() => isIn(inDev))
      assert.ok(dev !== undefined && isIn(dev))
      dev?.close()
      await bob.until(() => inDev.connections.length === 0)
      bob.open(LAB)
      await pass(clock, 100)
      assert.equal(times, 1, 'they were in it before')
      unwatch()
    }
  },
)

test('recalls a room that the other side has closed, at most once in a while, until it opens', BOUND, async t => {
  const clock = new VirtualClock()
  const [alice, bob] = [await peer(t, 1, OPS, clock), await peer(t, 2, OPS, clock)]
  let times = 0
  const [devA, devB] = [alice.open(DEV), bob.open(DEV)]
  await together(alice, bob)
  await bob.until(() => isIn(devB))
  devA.close()
  await bob.until(() => devB.connections.length === 0)
  alice.watch(DEV, () => times++)
  for (let line = 0; line < 3; line++) devB.recall()
  await passUntil(clock, () => times === 1)
  await pass(clock, RECALL_MS - 1_000)
  assert.equal(times, 1)
  await pass(clock, RECALL_MS)
  assert.equal(times, 2, 'for the lines that were sent since')
  const again = alice.open(DEV)
  await bob.until(() => isIn(devB) && isIn(again))
  devB.recall()
  await pass(clock, RECALL_MS)
  assert.equal(times, 2, 'it is open')
  bob.close()
})

test('does not recall a room that this side has withdrawn from the connection', BOUND, async t => {
  const clock = new VirtualClock()
  const [alice, bob] = [await peer(t, 1, OPS, clock), await peer(t, 2, OPS, clock)]
  const [devA, devB] = [alice.open(DEV), bob.open(DEV)]
  await together(alice, bob)
  await Promise.all([alice.until(() => isIn(devA)), bob.until(() => isIn(devB))])
  devB.disconnect(() => true)
  devB.recall()
  await pass(clock, RECALL_MS)
  assert.equal(devB.connections.length, 0)
})

test('closes a connection without a room in common when the other side has ended', BOUND, async t => {
  for (const ends of [true, false]) {
    const clock = new VirtualClock()
    const bob = await peer(t, 2, DEV, clock)
    const socket = await stranger(t, bob.address)
    const end = nativeEnd('dialler', 'alice:1', { rooms: [OPS], ends })
    talk(socket, end)
    while (end.rest.length === 0) await once(socket, 'data')
    for (let ms = 0; ms < 100; ms++) await pass(clock, 1)
    if (ends) await bob.until(() => bob.accepted[0]?.destroyed === true)
    else await pass(clock, ROOMLESS_MS_MAX - 1_000)
    assert.equal(bob.accepted[0]?.destroyed, ends, 'control: it waits for one that has not ended')
  }
})

test('closes a connection that finds no room in common, and dials again', BOUND, async t => {
  const clock = new VirtualClock()
  const [alice, bob] = [await peer(t, 1, OPS, clock), await peer(t, 2, DEV)]
  alice.connections.add('bob', bob.address)
  await alice.until(() => alice.events.length === 1)
  clock.advance(ROOMLESS_MS_MAX)
  await bob.until(() => bob.accepted[0]?.destroyed === true)
  clock.advance(1_000)
  await bob.until(() => bob.accepted.length === 2)
})

test('a room that breaks its channel leaves the connection to the others, and opens again later', BOUND, async t => {
  const clock = new VirtualClock()
  const [alice, bob] = [await peer(t, 1, OPS, clock), await peer(t, 2, OPS, clock)]
  const [devA, devB] = [alice.open(DEV), bob.open(DEV)]
  await together(alice, bob)
  await Promise.all([alice.until(() => isIn(devA)), bob.until(() => isIn(devB))])
  bob.connections.connections[0]?.stream.destroy(new Error('malformed'))
  await Promise.all([alice, bob].map(each => each.until(() => each.connections.connections.length === 0)))
  assert.ok(isIn(devA, devB))
  await pass(clock, BROKEN_CHANNEL_MS - 1_000)
  assert.ok(isIn(devA, devB))
  assert.equal(alice.connections.connections.length, 0, 'it rests')
  await pass(clock, 1_000)
  await Promise.all([alice, bob].map(each => each.until(() => isIn(each.connections))))
  assert.equal(bob.accepted.length, 1, 'the connection is the first one')
  // Control: without another room the connection is closed, and another one opened.
  for (const room of [devA, devB]) room.close()
  bob.connections.connections[0]?.stream.destroy(new Error('malformed'))
  await bob.until(() => bob.accepted[0]?.destroyed === true)
})

test('a room that drops a connection leaves it to the others, and opens again after the cooldown', BOUND, async t => {
  const clock = new VirtualClock()
  const [alice, bob] = [await peer(t, 1, OPS, clock), await peer(t, 2, OPS, clock)]
  const [devA, devB] = [alice.open(DEV), bob.open(DEV)]
  await together(alice, bob)
  await Promise.all([alice.until(() => isIn(devA)), bob.until(() => isIn(devB))])
  devA.drop(devA.connections[0]?.id ?? 0, 'enough-connections', COOLDOWN_MS)
  await bob.until(() => devB.connections.length === 0)
  assert.ok(isIn(alice.connections, bob.connections))
  await pass(clock, COOLDOWN_MS - 1)
  assert.equal(devA.connections.length, 0)
  await pass(clock, 1)
  await Promise.all([alice.until(() => isIn(devA)), bob.until(() => isIn(devB))])
  // Without another room the connection closes, and its peer is not dialled for a while.
  devA.close()
  alice.connections.drop(alice.connections.connections[0]?.id ?? 0, 'enough-connections', COOLDOWN_MS)
  await passUntil(clock, () => bob.accepted[0]?.destroyed === true)
  await pass(clock, COOLDOWN_MS / 3)
  assert.equal(bob.accepted.length, 1)
  await passUntil(clock, () => bob.accepted.length > 1)
})

test('probes a peer that another room is connected to without dialling it', BOUND, async t => {
  const [alice, bob] = [await peer(t, 1, OPS), await peer(t, 2, OPS)]
  await together(alice, bob)
  const dev = alice.open(DEV)
  const failed: string[] = []
  dev.on('probe-failed', id => failed.push(id))
  const id = Buffer.from(keysOf(2).publicKey).toString('hex').slice(0, 16)
  dev.probe(id, bob.address)
  assert.deepEqual(failed, [id])
  bob.open(DEV)
  await alice.until(() => isIn(dev))
  assert.equal(bob.accepted.length, 1)
})

test('redials a peer as long as one room dials it', BOUND, async t => {
  const clock = new VirtualClock()
  const [alice, bob] = [await peer(t, 1, OPS, clock), await peer(t, 2, OPS)]
  const dev = alice.open(DEV)
  await together(alice, bob)
  dev.add('bob', bob.address)
  alice.connections.remove('bob')
  bob.connections.reconnect()
  await passUntil(clock, () => alice.lost.length === 1)
  await pass(clock, 1_000)
  await Promise.all([alice, bob].map(each => each.until(() => isIn(each.connections))))
  dev.close()
  bob.connections.reconnect()
  await passUntil(clock, () => alice.lost.length === 2)
  clock.advance(60_000)
  assert.equal(bob.accepted.length, 2)
})
