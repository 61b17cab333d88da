import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { CONNECTIONS_MAX, HANDSHAKE_MS_MAX, SILENCE_MS_MAX, UNPROVEN_MAX } from '../../src/net/limits.js'
import { Child } from '../helper/child.js'
import { originalEnd, ourEnd } from '../helper/opening-world.js'
import { freePorts, localAddresses } from '../helper/ports.js'
import { startScuttleup } from '../helper/scuttleup-peer.js'
import { ScuttleupTopology } from '../helper/scuttleup-topology.js'
import { openSwarm, stranger, talk } from '../helper/swarm-world.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const BOUND = { timeout: 120_000 }
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

test(
  `${JOINS} honest peers join within a second each beside ${SILENT} silent sockets`,
  BOUND,
  async t => {
    const alice = await openSwarm(t)
    const sockets = await silentSockets(t, alice.address)
    const thrownOut = closedOf(sockets, SILENT - UNPROVEN_MAX)
    const tookMs: number[] = []
    for (let i = 0; i < JOINS; i++) {
      const bob = await openSwarm(t, { me: `bob:${i}`, peer: 10 + i })
      const start = performance.now()
      bob.swarm.add('alice', alice.address)
      await alice.until(() => alice.swarm.connections.length === i + 1)
      tookMs.push(performance.now() - start)
    }
    assert.ok(Math.max(...tookMs) < 1_000, `took ${tookMs.map(Math.round).join()} ms`)
    await thrownOut
    const stillOpen = sockets.filter(socket => !socket.destroyed)
    assert.ok(stillOpen.length <= UNPROVEN_MAX, `${stillOpen.length} are still held`)
  },
)

test('control: the original program keeps every silent socket', BOUND, async t => {
  const [low = '', high = ''] = await localAddresses(2)
  const original = startScuttleup(t, { me: low, data: await temporaryDirectory(t) })
  await original.waitForLine('info> listening as')
  const port = Number(low.split(':')[1])
  const sockets = await silentSockets(t, { host: 'localhost', port })
  // An honest one comes through it all: whatever would have been thrown out is gone by then.
  startScuttleup(t, { me: high, peers: [low], data: await temporaryDirectory(t) })
  await original.waitForLine(`info> direct connection to ${high}`)
  assert.equal(sockets.filter(socket => socket.destroyed).length, 0)
})

test('closes a handshake of one byte a second after 5 s', BOUND, async t => {
  const clock = new VirtualClock()
  const alice = await openSwarm(t, { clock })
  const socket = await stranger(t, alice.address)
  const closed = once(socket, 'close')
  socket.resume()
  await alice.until(() => alice.accepted.length === 1)
  const [connection] = alice.accepted
  const opening = Buffer.concat([ourEnd('dialler', 'bob:1').start(), Buffer.from([0])])
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
  const alice = await openSwarm(t, { clock })
  const [frozen, original] = [await stranger(t, alice.address), await stranger(t, alice.address)]
  talk(frozen, ourEnd('dialler', 'bob:1', { peer: 2 }))
  await alice.until(() => alice.swarm.connections.length === 1)
  talk(original, originalEnd(new ScuttleupTopology('carol:1', 'alice:1')))
  await alice.until(() => alice.swarm.connections.length === 2)
  const closed = once(frozen, 'close')
  clock.advance(SILENCE_MS_MAX + 10_000)
  await closed
  await alice.until(() => alice.lost.length === 1)
  assert.deepEqual(alice.lost, ['silent for 30 s'])
  clock.advance(60 * 60 * 1_000)
  assert.deepEqual(
    alice.swarm.connections.map(({ remote }) => remote.kind),
    ['scuttleup'],
  )
})

test('closes the connection to a stopped process, though its system still acknowledges', BOUND, async t => {
  const clock = new VirtualClock()
  const alice = await openSwarm(t, { clock })
  const program = new URL('../helper/linking-process.js', import.meta.url).pathname
  const bob = new Child(t, process.execPath, { args: [program, String(alice.address.port)] })
  await bob.waitForLine('linked')
  await alice.until(() => alice.swarm.connections.length === 1)
  process.kill(bob.pid ?? 0, 'SIGSTOP')
  clock.advance(SILENCE_MS_MAX + 10_000)
  await alice.until(() => alice.swarm.connections.length === 0)
  assert.deepEqual(alice.lost, ['silent for 30 s'])
})

test('notices a killed process at once', BOUND, async t => {
  const alice = await openSwarm(t)
  const program = new URL('../helper/linking-process.js', import.meta.url).pathname
  const bob = new Child(t, process.execPath, { args: [program, String(alice.address.port)] })
  await bob.waitForLine('linked')
  await alice.until(() => alice.swarm.connections.length === 1)
  await bob.stop('SIGKILL')
  await alice.until(() => alice.swarm.connections.length === 0)
  assert.deepEqual(alice.lost, ['the connection closed'])
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
      const caller = await openSwarm(t, { me })
      caller.swarm.add('bob', { host: '127.0.0.1', port })
      await caller.until(() => caller.warnings.length > 0)
      const bob = await openSwarm(t, { me: 'bob:1', peer: 2, port })
      await Promise.all([
        caller.until(() => caller.swarm.connections.length === 1),
        bob.until(() => bob.swarm.connections.length === 1),
      ])
      assert.deepEqual(caller.warnings, [`bob (127.0.0.1:${port}): nothing is listening there; still trying`])
      assert.equal(caller.swarm.connections[0]?.dialled, 'bob')
    },
  )
}

test('two peers that dial each other at once end with one connection', BOUND, async t => {
  const [alice, bob] = [await openSwarm(t), await openSwarm(t, { me: 'bob:1', peer: 2 })]
  alice.swarm.add('bob', bob.address)
  bob.swarm.add('alice', alice.address)
  const isSettled = (world: typeof alice): boolean => world.accepted.length > 0 && world.swarm.connections.length === 1
  await Promise.all([alice.until(() => isSettled(alice)), bob.until(() => isSettled(bob))])
  assert.deepEqual([...alice.warnings, ...bob.warnings], [])
})

test('the side that dialled redials a closed connection', BOUND, async t => {
  const [alice, bob] = [await openSwarm(t), await openSwarm(t, { me: 'bob:1', peer: 2 })]
  alice.swarm.add('bob', bob.address)
  await bob.until(() => bob.swarm.connections.length === 1)
  bob.swarm.reconnect()
  await bob.until(() => bob.lost.length === 1 && bob.swarm.connections.length === 1)
  await alice.until(() => alice.lost.length === 1 && alice.swarm.connections.length === 1)
})

test('reports a dial of itself once, and stops dialling', BOUND, async t => {
  const alice = await openSwarm(t)
  alice.swarm.add('me', alice.address)
  await alice.until(() => alice.warnings.length > 0 && alice.accepted.every(connection => connection.destroyed))
  assert.deepEqual(alice.warnings, [`me (127.0.0.1:${alice.address.port}) is this process itself; ignoring`])
  assert.deepEqual(alice.swarm.connections, [])
})

test('never reports a connection to itself', BOUND, async t => {
  const alice = await openSwarm(t)
  const seen = new Set<number>()
  alice.swarm.on('warning', () => seen.add(alice.swarm.connections.length))
  alice.swarm.add('me', alice.address)
  await alice.until(() => alice.warnings.length > 0)
  assert.deepEqual([...seen], [0])
})

test('reports that a peer is in another room', BOUND, async t => {
  const alice = await openSwarm(t)
  const bob = await openSwarm(t, { me: 'bob:1', peer: 2, room: Buffer.alloc(32, 8) })
  bob.swarm.add('alice', alice.address)
  await bob.until(() => bob.warnings.length > 0)
  assert.match(bob.warnings[0] ?? '', /: the peer is in another room; still trying$/)
  assert.deepEqual(alice.swarm.connections, [])
})

test('accepts scuttleup peers in the lobby only', BOUND, async t => {
  const lobby = await openSwarm(t)
  talk(await stranger(t, lobby.address), originalEnd(new ScuttleupTopology('bob:1', 'alice:1')))
  await lobby.until(() => lobby.swarm.connections.length === 1)
  const room = await openSwarm(t, { acceptsScuttleup: false })
  const socket = await stranger(t, room.address)
  const closed = once(socket, 'close')
  talk(socket, originalEnd(new ScuttleupTopology('bob:1', 'alice:1')))
  await closed
  assert.deepEqual(room.swarm.connections, [])
})

test(`${CONNECTIONS_MAX} strangers that pass for scuttleup peers keep no honest peer out`, BOUND, async t => {
  const alice = await openSwarm(t)
  for (let i = 0; i <= CONNECTIONS_MAX; i++) {
    const socket = await stranger(t, alice.address)
    talk(socket, originalEnd(new ScuttleupTopology(`a:${i}`, 'alice:1')))
    if (i < CONNECTIONS_MAX) await alice.until(() => alice.swarm.connections.length === i + 1)
    else await once(socket.resume(), 'close')
  }
  assert.deepEqual(alice.lost, [], 'one more stranger is turned away')
  talk(await stranger(t, alice.address), ourEnd('dialler', 'bob:1', { peer: 2 }))
  await alice.until(() => alice.swarm.connections.some(({ remote }) => remote.address === 'bob:1'))
  await alice.until(() => alice.swarm.connections.length === CONNECTIONS_MAX)
  assert.deepEqual(alice.lost, ['evicted to make room'])
})

const FIVE_GIB = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x14])
const OPENINGS: readonly (readonly [string, Uint8Array])[] = [
  ['says that its address has 5 GiB', FIVE_GIB],
  ['says nothing but empty frames', Buffer.alloc(64 * 1024, Buffer.from([0x80, 0x00]))],
  ['speaks HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(20))],
]

for (const [what, bytes] of OPENINGS) {
  test(`closes the connection of a stranger who ${what} within 256 KiB`, BOUND, async t => {
    const alice = await openSwarm(t)
    // In a room of its own: what an original may say next is the log's to judge, not the swarm's.
    const room = await openSwarm(t, { acceptsScuttleup: false })
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
      assert.deepEqual(world.swarm.connections, [])
    }
  })
}

test('closes everything, and dials nobody any more', BOUND, async t => {
  const clock = new VirtualClock()
  const [port = 0] = await freePorts(1)
  const alice = await openSwarm(t, { clock })
  const bob = await openSwarm(t, { me: 'bob:1', peer: 2 })
  alice.swarm.add('bob', bob.address)
  alice.swarm.add('carol', { host: '127.0.0.1', port })
  await alice.until(() => alice.swarm.connections.length === 1 && alice.warnings.length === 1)
  const unopened = await stranger(t, alice.address)
  const closed = closedOf([unopened], 1)
  await alice.until(() => alice.accepted.length === 1)
  await alice.swarm.close()
  await closed
  await bob.until(() => bob.swarm.connections.length === 0)
  assert.equal(clock.timers, 0)
  clock.advance(HANDSHAKE_MS_MAX)
  assert.deepEqual(alice.lost, [], 'nothing is told of links that one closes oneself')
})
