import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import test, { type TestContext } from 'node:test'
import { systemClock } from '../../src/base/clock.js'
import { parseAddress } from '../../src/net/lan/address.js'
import { resolver } from '../../src/net/lan/mdns/resolve.js'
import { TcpSource } from '../../src/net/lan/tcp.js'
import { HANDSHAKE_MS_MAX } from '../../src/net/limits.js'
import type { Lookup, RawConnection } from '../../src/net/peer-source.js'
import { freePorts } from '../helper/ports.js'
import { unresponsivePort } from '../helper/unresponsive-server.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const BOUND = { timeout: 300_000 }
const asItIs: Lookup = async address => [address]
const source = new TcpSource(systemClock, asItIs)
const never = new AbortController().signal

/** A listener, and the next connection that it accepts. */
async function listener(t: TestContext, host: string | undefined) {
  let take = (_: RawConnection): void => {}
  const taken = new Promise<RawConnection>(resolve => {
    take = resolve
  })
  const listening = await source.listen(host, 0, connection => take(connection))
  const open: RawConnection[] = []
  t.after(async () => {
    for (const connection of open) connection.destroy()
    await listening.close()
  })
  const ends = async (dialled: Promise<RawConnection>): Promise<[RawConnection, RawConnection]> => {
    const both = await Promise.all([dialled, taken])
    open.push(...both)
    return both
  }
  return { port: listening.port, ends }
}

async function blocker(t: TestContext): Promise<{ readonly port: number; free(): Promise<void> }> {
  const server = net.createServer().listen(0)
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as net.AddressInfo
  return { port, free: () => new Promise<void>(resolve => server.close(() => resolve())) }
}

test('reports a taken port with a hint', BOUND, async t => {
  const { port } = await blocker(t)
  const clock = new VirtualClock()
  await assert.rejects(clock.during(new TcpSource(clock, asItIs).listen(undefined, port, () => {})), {
    code: 'SWARM_PORT_TAKEN',
    message: `port ${port} is in use by another program`,
    hint: /listen/,
  })
  assert.deepEqual(clock.delays, [250, 250, 250])
})

test('retries a port that is taken for a moment', BOUND, async t => {
  const { port, free } = await blocker(t)
  const clock = new VirtualClock()
  const listening = new TcpSource(clock, asItIs).listen(undefined, port, () => {})
  await clock.armed()
  await free()
  clock.advance(250)
  const { port: found, close } = await listening
  assert.equal(found, port)
  await close()
})

test('rejects listening on a foreign address', BOUND, async () => {
  await assert.rejects(
    source.listen('198.51.100.7', 0, () => {}),
    { code: 'SWARM_LISTEN_FAILED', hint: /listen/ },
  )
})

for (const [name, host] of [
  ['127.0.0.1', '127.0.0.1'],
  ['[::1]', '::1'],
  ['localhost', 'localhost'],
] as const) {
  test(`dials a peer that listens at ${name}`, BOUND, async t => {
    const { port, ends } = await listener(t, host)
    const dialler = new TcpSource(systemClock, resolver(systemClock, undefined))
    const [a, b] = await ends(dialler.dial(parseAddress(`${name}:${port}`), never))
    a.write('hello')
    const [said] = await once(b, 'data')
    assert.equal(String(said), 'hello')
    assert.equal(a.remoteAddress, b.remoteAddress)
  })
}

for (const host of ['127.0.0.1', '::1']) {
  test(`a listener on all addresses sees ${host} as the dialler does`, BOUND, async t => {
    const { port, ends } = await listener(t, undefined)
    const [a, b] = await ends(source.dial({ host, port }, never))
    assert.deepEqual([a.remoteAddress, b.remoteAddress], [host, host])
  })
}

test('tries the next address of a name if one fails', BOUND, async t => {
  const { port, ends } = await listener(t, '127.0.0.1')
  const dialler = new TcpSource(systemClock, async () =>
    ['127.0.0.2', '::1', '127.0.0.1'].map(host => ({ host, port })),
  )
  const [a] = await ends(dialler.dial({ host: 'bob.local', port }, never))
  assert.equal(a.remoteAddress, '127.0.0.1')
})

test('dials the next address a quarter of a second after a silent one', BOUND, async t => {
  const { port, ends } = await listener(t, '127.0.0.1')
  const deaf = await unresponsivePort(t)
  const clock = new VirtualClock()
  const places = [
    { host: '127.0.0.1', port: deaf },
    { host: '127.0.0.1', port },
  ]
  const dialling = ends(new TcpSource(clock, async () => places).dial({ host: 'bob.local', port }, never))
  await clock.armed()
  clock.advance(250)
  const [a] = await dialling
  assert.equal(a.remoteAddress, '127.0.0.1')
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(clock.timers, 0, 'the silent one is given up')
})

test('gives reasons for failed dials', BOUND, async t => {
  const [port = 0] = await freePorts(1)
  await assert.rejects(source.dial({ host: '127.0.0.1', port }, never), { failure: { reason: 'refused' } })
  const lonely = new TcpSource(systemClock, async () => [])
  await assert.rejects(lonely.dial({ host: 'bob.local', port }, never), {
    failure: { reason: 'no-such-peer' },
  })
  const clock = new VirtualClock()
  const deaf = new TcpSource(clock, asItIs).dial({ host: '127.0.0.1', port: await unresponsivePort(t) }, never)
  await clock.armed()
  clock.advance(HANDSHAKE_MS_MAX)
  await assert.rejects(deaf, { failure: { reason: 'no-answer' } })
})

test('an aborted dial ends at once, before and after the lookup', BOUND, async t => {
  const address = { host: '127.0.0.1', port: await unresponsivePort(t) }
  const clock = new VirtualClock()
  const dialler = new TcpSource(clock, asItIs)
  const stop = new AbortController()
  const dialling = dialler.dial(address, stop.signal)
  await clock.armed()
  stop.abort()
  await assert.rejects(dialling)
  await assert.rejects(dialler.dial(address, stop.signal))
  assert.equal(clock.timers, 0)
})

test('ends the two directions separately', BOUND, async t => {
  const { port, ends } = await listener(t, '127.0.0.1')
  const [a, b] = await ends(source.dial({ host: '127.0.0.1', port }, never))
  a.resume()
  b.resume()
  a.end()
  await once(b, 'end')
  b.write('still here')
  const [said] = await once(a, 'data')
  assert.equal(String(said), 'still here')
})

test('a reset closes the connection only', BOUND, async t => {
  const { port, ends } = await listener(t, '127.0.0.1')
  const raw = net.connect(port, '127.0.0.1')
  const [, b] = await ends(new Promise(resolve => raw.once('connect', () => resolve(raw as unknown as RawConnection))))
  const closed = new Promise<void>(resolve => b.once('close', resolve))
  b.resume()
  raw.resetAndDestroy()
  await closed
})

/** Runs in a network namespace with two ephemeral ports, one of which is the port that is dialled. */
const ALONE = `ip link set lo up && echo "40000 40001" > /proc/sys/net/ipv4/ip_local_port_range && exec "$0" "$@"`

function alone(program: string): string {
  const args = ['-rn', 'sh', '-c', ALONE, process.execPath, '--input-type=module', '-e', program]
  const { stdout, status } = spawnSync('unshare', args, { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : `exit ${status}`
}

const canBeAlone = alone('console.log("yes")') === 'yes'
const skipped = canBeAlone ? false : 'no network namespaces here'

/** Dials port 40000 several times: about half of the dials have 40000 as their local port too. */
const dialling = (dial: string): string => `
import net from 'node:net'
import { TcpSource } from ${JSON.stringify(new URL('../../src/net/lan/tcp.js', import.meta.url).href)}
import { systemClock } from ${JSON.stringify(new URL('../../src/base/clock.js', import.meta.url).href)}
const source = new TcpSource(systemClock, async address => [address])
const found = new Set()
const awake = setInterval(() => {}, 1000)
for (let i = 0; i < 20; i++) found.add(await (${dial})())
clearInterval(awake)
console.log([...found].join())
`

test('rejects a socket that connected to itself', { ...BOUND, skip: skipped }, () => {
  const ours = `() => source.dial({ host: '127.0.0.1', port: 40000 }, new AbortController().signal).then(() => 'connected', error => error.failure.reason)`
  assert.equal(alone(dialling(ours)), 'refused')
})

test('control: a plain socket connects to itself there', { ...BOUND, skip: skipped }, () => {
  const plain = `() => new Promise(resolve => {
    const socket = net.connect(40000, '127.0.0.1')
    const settle = what => { socket.destroy(); resolve(what) }
    socket.once('connect', () => settle('connected')).once('error', error => settle(error.code))
  })`
  assert.match(alone(dialling(plain)), /connected/)
})
