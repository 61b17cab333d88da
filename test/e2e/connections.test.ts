import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { frame } from '../../src/base/wire/frames.js'
import { CONNECTIONS_PER_ADDRESS_MAX } from '../../src/net/admission/slots.js'
import { HANDSHAKE_MS_MAX, SILENCE_MS_MAX, UNPROVEN_MAX } from '../../src/net/limits.js'
import { Child } from '../helper/child.js'
import { openConnections, stranger, talk } from '../helper/connections-world.js'
import { nativeEnd, ROOM, scuttleupEnd } from '../helper/handshake-world.js'
import { freePorts, localAddresses } from '../helper/ports.js'
import { startScuttleup } from '../helper/scuttleup-peer.js'
import { ScuttleupTopology } from '../helper/scuttleup-topology.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const BOUND = { timeout: 300_000 }
const SILENT = 200
const JOINS = 20

/** Resolves when `count` of the sockets are closed. */
function closedOf(sockets: readonly Socket[], count: number): Promise<void> {
  return new Promise(resolve => {
    let closed = 0
    const onClose = (): void => {
      if (++closed === count) resolve()
    }
    for (const socket of sockets) {
      socket.resume()
      if (socket.destroyed) onClose()
      else socket.once('close', onClose)
    }
  })
}

const silentSockets = (t: TestContext, address: { host: string; port: number }): Promise<Socket[]> =>
  Promise.all(Array.from({ length: SILENT }, () => stranger(t, address)))

test(`${JOINS} honest peers join beside ${SILENT} silent sockets before any of these times out`, BOUND, async t => {
  const clock = new VirtualClock()
  const alice = await openConnections(t, { clock })
  const sockets = await silentSockets(t, alice.address)
  const evicted = closedOf(sockets, SILENT - UNPROVEN_MAX)
  for (let i = 0; i < JOINS; i++) {
    const bob = await openConnections(t, { me: `bob:${i}`, peer: 10 + i, clock })
    bob.connections.add('alice', alice.address)
    await alice.until(() => alice.connections.connections.length === i + 1)
  }
  await evicted
  const stillOpen = sockets.filter(socket => !socket.destroyed)
  assert.ok(stillOpen.length <= UNPROVEN_MAX, `${stillOpen.length} are still open`)
})

test('control: scuttleup chat keeps every silent socket', BOUND, async t => {
  const [low = '', high = ''] = await localAddresses(2)
  const scuttleup = startScuttleup(t, { me: low, data: await temporaryDirectory(t) })
  await scuttleup.waitForLine('info> listening as')
  const port = Number(low.split(':')[1])
  const sockets = await silentSockets(t, { host: 'localhost', port })
  // An honest peer connects through all of them: any eviction would have happened by then.
  startScuttleup(t, { me: high, peers: [low], data: await temporaryDirectory(t) })
  await scuttleup.waitForLine(`info> direct connection to ${high}`)
  assert.equal(sockets.filter(socket => socket.destroyed).length, 0)
})

test('closes a handshake of one byte a second after 5 s', BOUND, async t => {
  const clock = new VirtualClock()
  const alice = await openConnections(t, { clock })
  const socket = await stranger(t, alice.address)
  const closed = once(socket, 'close')
  socket.resume()
  await alice.until(() => alice.accepted.length === 1)
  const [connection] = alice.accepted
  const opening = Buffer.concat([nativeEnd('dialler', 'bob:1').start(), Buffer.from([0])])
  for (let second = 0; second < 5; second++) {
    const arrived = once(connection ?? socket, 'data')
    socket.write(opening.subarray(second, second + 1))
    await arrived
    assert.equal(connection?.destroyed, false, `after ${second} s`)
    clock.advance(second === 4 ? 999 : 1_000)
  }
  assert.equal(connection?.destroyed, false, 'after 4.999 s')
  clock.advance(1)
  await closed
  assert.equal(clock.timers, 0)
})

test('closes the connection to a frozen native peer after 30 s, and keeps a scuttleup peer', BOUND, async t => {
  const clock = new VirtualClock()
  const alice = await openConnections(t, { clock })
  const [frozen, scuttleup] = [await stranger(t, alice.address), await stranger(t, alice.address)]
  talk(frozen, nativeEnd('dialler', 'bob:1', { peer: 2, rooms: [ROOM] }))
  await alice.until(() => alice.connections.connections.length === 1)
  talk(scuttleup, scuttleupEnd(new ScuttleupTopology('carol:1', 'alice:1')))
  await alice.until(() => alice.connections.connections.length === 2)
  const closed = once(frozen, 'close')
  clock.advance(SILENCE_MS_MAX + 10_000)
  await closed
  await alice.until(() => alice.lost.length === 1)
  assert.deepEqual(alice.lost, ['silent'])
  clock.advance(60 * 60 * 1_000)
  assert.deepEqual(
    alice.connections.connections.map(({ remote }) => remote.kind),
    ['scuttleup'],
  )
})

test('closes the connection to a stopped process, though its system still acknowledges', BOUND, async t => {
  const clock = new VirtualClock()
  const alice = await openConnections(t, { clock })
  const program = new URL('../helper/connecting-process.js', import.meta.url).pathname
  const bob = new Child(t, process.execPath, { args: [program, String(alice.address.port)] })
  await bob.waitForLine('connected')
  await alice.until(() => alice.connections.connections.length === 1)
  process.kill(bob.pid ?? 0, 'SIGSTOP')
  clock.advance(SILENCE_MS_MAX + 10_000)
  await alice.until(() => alice.connections.connections.length === 0)
  assert.deepEqual(alice.lost, ['silent'])
})

test('notices a killed process at once', BOUND, async t => {
  const alice = await openConnections(t)
  const program = new URL('../helper/connecting-process.js', import.meta.url).pathname
  const bob = new Child(t, process.execPath, { args: [program, String(alice.address.port)] })
  await bob.waitForLine('connected')
  await alice.until(() => alice.connections.connections.length === 1)
  await bob.stop('SIGKILL')
  await alice.until(() => alice.connections.connections.length === 0)
  assert.deepEqual(alice.lost, ['cut'])
})

for (const [me, order] of [
  ['alice:1', 'lower'],
  ['zoe:1', 'higher'],
] as const) {
  test(
    `connects to a peer that was absent at the first dial, from the side with the ${order} address`,
    BOUND,
    async t => {
      const [port = 0] = await freePorts(1)
      const caller = await openConnections(t, { me })
      caller.connections.add('bob', { host: '127.0.0.1', port })
      await caller.until(() => caller.events.length > 0)
      const bob = await openConnections(t, { me: 'bob:1', peer: 2, port })
      await Promise.all([
        caller.until(() => caller.connections.connections.length === 1),
        bob.until(() => bob.connections.connections.length === 1),
      ])
      assert.deepEqual(caller.events, [
        { kind: 'dial-failed', name: 'bob', address: { host: '127.0.0.1', port }, tries: 1, reason: 'refused' },
      ])
      assert.equal(caller.connections.connections[0]?.dialled, 'bob')
    },
  )
}

test('two peers that dial each other at once end with one connection', BOUND, async t => {
  const [alice, bob] = [await openConnections(t), await openConnections(t, { me: 'bob:1', peer: 2 })]
  alice.connections.add('bob', bob.address)
  bob.connections.add('alice', alice.address)
  const isSettled = (world: typeof alice): boolean =>
    world.accepted.length > 0 && world.connections.connections.length === 1
  await Promise.all([alice.until(() => isSettled(alice)), bob.until(() => isSettled(bob))])
  assert.deepEqual([...alice.events, ...bob.events], [])
})

test('the side that dialled redials a closed connection', BOUND, async t => {
  const [alice, bob] = [await openConnections(t), await openConnections(t, { me: 'bob:1', peer: 2 })]
  alice.connections.add('bob', bob.address)
  await bob.until(() => bob.connections.connections.length === 1)
  bob.connections.reconnect()
  await bob.until(() => bob.lost.length === 1 && bob.connections.connections.length === 1)
  await alice.until(() => alice.lost.length === 1 && alice.connections.connections.length === 1)
})

test('reports a dial of itself once, and closes that connection alone', BOUND, async t => {
  const alice = await openConnections(t)
  alice.connections.add('me', alice.address)
  await alice.until(() => alice.events.length > 0 && alice.accepted.every(connection => connection.destroyed))
  assert.deepEqual(alice.events, [{ kind: 'dialled-self', name: 'me', address: alice.address }])
  assert.deepEqual(alice.connections.connections, [])
})

test('never reports a connection to itself', BOUND, async t => {
  const alice = await openConnections(t)
  const seen = new Set<number>()
  alice.connections.on('event', () => seen.add(alice.connections.connections.length))
  alice.connections.add('me', alice.address)
  await alice.until(() => alice.events.length > 0)
  assert.deepEqual([...seen], [0])
})

test('reports that a peer is in another room', BOUND, async t => {
  const alice = await openConnections(t)
  const bob = await openConnections(t, { me: 'bob:1', peer: 2, room: Buffer.alloc(32, 8) })
  bob.connections.add('alice', alice.address)
  await bob.until(() => bob.events.length > 0)
  const [failed] = bob.events
  assert.ok(failed?.kind === 'dial-failed' && failed.reason === 'other-room')
  assert.deepEqual(alice.connections.connections, [])
})

test('accepts scuttleup peers in the lobby only', BOUND, async t => {
  const lobby = await openConnections(t)
  talk(await stranger(t, lobby.address), scuttleupEnd(new ScuttleupTopology('bob:1', 'alice:1')))
  await lobby.until(() => lobby.connections.connections.length === 1)
  const room = await openConnections(t, { acceptsScuttleup: false })
  const socket = await stranger(t, room.address)
  const closed = once(socket, 'close')
  talk(socket, scuttleupEnd(new ScuttleupTopology('bob:1', 'alice:1')))
  await closed
  assert.deepEqual(room.connections.connections, [])
})

test(`${CONNECTIONS_PER_ADDRESS_MAX} strangers from one address keep no honest peer out`, BOUND, async t => {
  const alice = await openConnections(t)
  for (let i = 0; i <= CONNECTIONS_PER_ADDRESS_MAX; i++) {
    const socket = await stranger(t, alice.address)
    talk(socket, scuttleupEnd(new ScuttleupTopology(`a:${i}`, 'alice:1')))
    await alice.until(() => alice.connections.connections.some(({ remote }) => remote.address === `a:${i}`))
  }
  await alice.until(() => alice.lost.length === 1)
  talk(await stranger(t, alice.address), nativeEnd('dialler', 'bob:1', { peer: 2, rooms: [ROOM] }))
  await alice.until(() => alice.connections.connections.some(({ remote }) => remote.address === 'bob:1'))
  await alice.until(() => alice.lost.length === 2)
  assert.equal(alice.connections.connections.length, CONNECTIONS_PER_ADDRESS_MAX)
  assert.deepEqual(alice.lost, ['evicted', 'evicted'])
})

const FIVE_GIB = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x14])
const OPENINGS: readonly (readonly [string, Uint8Array])[] = [
  ['says that its address has 5 GiB', FIVE_GIB],
  ['says nothing but empty frames', Buffer.alloc(64 * 1024, Buffer.from([0x80, 0x00]))],
  ['speaks HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(20))],
]

for (const [what, bytes] of OPENINGS) {
  test(`closes the connection of a stranger who ${what} within 256 KiB`, BOUND, async t => {
    const alice = await openConnections(t)
    // In another room: in the lobby, the bytes would be parsed as replication with a scuttleup peer.
    const room = await openConnections(t, { acceptsScuttleup: false })
    for (const world of [room, alice].slice(0, what === 'speaks HTTP' ? 1 : 2)) {
      const socket = await stranger(t, world.address)
      const closed = closedOf([socket], 1)
      socket.write(bytes)
      const more = Buffer.alloc(64 * 1024, 0x80)
      const pour = (): void => {
        while (!socket.destroyed && socket.write(more));
      }
      socket.on('drain', pour)
      pour()
      await closed
      const [connection] = world.accepted
      assert.ok((connection?.bytesRead ?? 0) <= 256 * 1024, `${connection?.bytesRead} bytes were read`)
      assert.deepEqual(world.connections.connections, [])
    }
  })
}

for (const [what, plain, reason] of [
  ['wants encrypted connections only', { encryptedOnly: true }, 'encrypted-only'],
  [
    'heard a native peer announced at its address',
    { isAnnouncedNative: (address: string) => address === 'bob:1' },
    'announced-native',
  ],
] as const) {
  test(`refuses a scuttleup peer, dialled or inbound, when it ${what}`, BOUND, async t => {
    const alice = await openConnections(t, { plain })
    const inbound = await stranger(t, alice.address)
    talk(inbound, scuttleupEnd(new ScuttleupTopology('bob:1', alice.connections.me)))
    await once(inbound, 'close')
    const bob = createServer(socket => talk(socket, scuttleupEnd(new ScuttleupTopology('bob:1')))).listen(
      0,
      '127.0.0.1',
    )
    await once(bob, 'listening')
    t.after(async () => void bob.close())
    alice.connections.add('bob', { host: '127.0.0.1', port: (bob.address() as AddressInfo).port })
    await alice.until(() => alice.events.length > 0)
    assert.deepEqual(
      alice.events.map(event => event.kind === 'dial-failed' && event.reason),
      [reason],
    )
    assert.deepEqual(alice.connections.connections, [])
  })
}

test('reports once that a peer of an older version dialled, and nothing else', BOUND, async t => {
  const alice = await openConnections(t)
  const hello = frame(Buffer.concat([Buffer.from([0x08, 1, 0x12, 32]), Buffer.alloc(130)]))
  for (let count = 0; count < 2; count++) {
    const socket = await stranger(t, alice.address)
    socket.write(Buffer.concat([frame(Buffer.from('a:1')), Buffer.from([0])]))
    await once(socket, 'data')
    socket.write(hello)
    socket.resume()
    await once(socket, 'close')
  }
  assert.deepEqual(alice.events, [{ kind: 'older-version', address: '127.0.0.1' }])
})

test('strangers who prove a key, and then name no rooms, keep no honest peer out', BOUND, async t => {
  const alice = await openConnections(t)
  for (let count = 0; count <= UNPROVEN_MAX; count++)
    talk(await stranger(t, alice.address), nativeEnd('dialler', 'bob:1', { peer: 3, seed: count }))
  await alice.until(() => alice.accepted.length === UNPROVEN_MAX + 1 && alice.accepted[0]?.destroyed === true)
  assert.equal(alice.accepted.filter(({ destroyed }) => destroyed).length, 1)
  talk(await stranger(t, alice.address), nativeEnd('dialler', 'bob:1', { peer: 2, rooms: [ROOM] }))
  await alice.until(() => alice.connections.connections.length === 1)
})

test('closes all sockets, and stops dialling', BOUND, async t => {
  const clock = new VirtualClock()
  const [port = 0] = await freePorts(1)
  const alice = await openConnections(t, { clock })
  const bob = await openConnections(t, { me: 'bob:1', peer: 2 })
  alice.connections.add('bob', bob.address)
  alice.connections.add('carol', { host: '127.0.0.1', port })
  await alice.until(() => alice.connections.connections.length === 1 && alice.events.length === 1)
  const unopened = await stranger(t, alice.address)
  const closed = closedOf([unopened], 1)
  await alice.until(() => alice.accepted.length === 1)
  await alice.close()
  await closed
  await bob.until(() => bob.connections.connections.length === 0)
  assert.equal(clock.timers, 0)
  clock.advance(HANDSHAKE_MS_MAX)
  assert.deepEqual(alice.lost, [], 'connections that we close are not reported as lost')
})
