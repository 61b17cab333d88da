import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { systemClock } from '../../src/base/clock.js'
import { systemRandom } from '../../src/base/random.js'
import { TcpSource } from '../../src/net/lan/tcp.js'
import { type ProbeResult, probe } from '../../src/net/probe.js'
import { openConnections } from '../helper/connections-world.js'
import { keysOf, ROOM } from '../helper/handshake-world.js'

const source = new TcpSource(systemClock, async address => [address])
const probeAt = (port: number, room = ROOM): Promise<ProbeResult> =>
  probe({ host: '127.0.0.1', port }, { source, room, clock: systemClock, random: systemRandom })

/** Starts a program that is not a peer. Resolves with its port. */
async function stranger(t: TestContext, onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer(socket => {
    socket.on('error', () => {})
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

test('identifies a native peer, which notices no connection', async t => {
  const bob = await openConnections(t, { me: 'bob:1', peer: 2 })
  const result = await probeAt(bob.address.port)
  assert.equal(result.kind, 'native')
  if (result.kind === 'native') assert.deepEqual(result.remote.key, Buffer.from(keysOf(2).publicKey).toString('hex'))
  await bob.until(() => bob.accepted.length === 1 && bob.accepted.every(({ destroyed }) => destroyed))
  assert.deepEqual([bob.connections.connections, bob.lost, bob.events], [[], [], []])
  const alice = await openConnections(t)
  alice.connections.add('bob', bob.address)
  await bob.until(() => bob.connections.connections.length === 1) // control: a peer that dials is noticed
})

test('identifies a native peer in another room', async t => {
  const bob = await openConnections(t, { me: 'bob:1', peer: 2 })
  const result = await probeAt(bob.address.port, Buffer.alloc(32, 9))
  assert.equal(result.kind === 'native' && result.isSameRoom, false)
})

test('tells other programs, refused connections and closed ones apart', async t => {
  const http = await stranger(t, socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  assert.deepEqual(await probeAt(http), { kind: 'stranger' })
  const closing = await stranger(t, socket => socket.resume().end())
  assert.deepEqual(await probeAt(closing), { kind: 'none', reason: 'closed' })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await new Promise(resolve => server.close(resolve))
  assert.deepEqual(await probeAt(port), { kind: 'none', reason: 'refused' })
})
