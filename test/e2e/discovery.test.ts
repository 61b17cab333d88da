import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'
import test, { type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import multicastDns from 'multicast-dns'
import { systemClock } from '../../src/base/clock.js'
import { systemRandom } from '../../src/base/random.js'
import { Discovery, type DiscoveryOptions } from '../../src/net/lan/mdns/discovery.js'
import { Child } from '../helper/child.js'
import { PATIENCE_MS } from '../helper/patience.js'

const FLOOD = fileURLToPath(new URL('../helper/flood-process.js', import.meta.url))
const GROUP = '224.0.0.251'
const MDNS_PORT = 5353
const BOUND = { timeout: 300_000 }

/** Names that no concurrent run uses. */
const alice = `alice-${process.pid}`
const bob = `bob-${process.pid}`

function open(t: TestContext, options: Partial<DiscoveryOptions> = {}): Discovery {
  const discovery = new Discovery({
    clock: systemClock,
    random: systemRandom.number,
    onEvent: event => assert.fail(event.kind),
    ...options,
  })
  t.after(() => discovery.close())
  return discovery
}

/** A plain socket in the multicast group. */
async function listener(t: TestContext, port: number, address = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  socket.bind(port, '0.0.0.0')
  await once(socket, 'listening')
  socket.addMembership(GROUP, address)
  socket.setMulticastInterface(address)
  t.after(() => socket.close())
  return socket
}

/** Sends, then lets everyone in this process read, so that no socket's buffer overflows. */
async function send(socket: Socket, bytes: Uint8Array, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.send(bytes, port, GROUP, error => (error ? reject(error) : resolve()))
  })
  await setImmediate()
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0)
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>(resolve => socket.close(resolve))
  return port
}

const nameBytes = (name: string): Buffer =>
  Buffer.from([name.length, ...Buffer.from(name), 5, ...Buffer.from('local'), 0])

/** A question for the A record of `<name>.local`, as bytes. */
const question = (name: string): Buffer =>
  Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...nameBytes(name), 0, 1, 0, 1])

/** A response that gives `<name>.local` the address 127.0.0.1, as bytes. */
const response = (name: string): Buffer =>
  Buffer.from([0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, ...nameBytes(name), 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 127, 0, 0, 1])

test('finds a peer at the address of every shared interface, and no absent peer', BOUND, async t => {
  const a = open(t)
  const b = open(t)
  a.announce({ name: alice })
  await findsAll(b, `${alice.toUpperCase()}.local`, [...a.interfaces.map(({ address }) => address), '127.0.0.1'])
  assert.deepEqual(await b.lookup(bob, 300), [])
})

test('says goodbye on closing, and is no longer found', BOUND, async t => {
  const port = await freePort()
  const a = open(t, { port })
  const b = open(t, { port })
  a.announce({ name: alice })
  assert.notDeepEqual(await b.lookup(alice, PATIENCE_MS), [])
  const socket = multicastDns({ port, interface: '127.0.0.1', bind: '0.0.0.0' })
  t.after(() => socket.destroy())
  await once(socket, 'ready')
  const [[goodbye]] = await Promise.all([once(socket, 'response'), a.close()])
  assert.equal(goodbye.answers[0].name, `${alice}.local`)
  assert.equal(goodbye.answers[0].ttl, 0)
  assert.deepEqual(await b.lookup(alice, 300), [])
  assert.deepEqual(a.interfaces, [])
  assert.deepEqual(await a.lookup(alice), [], 'and a closed discovery answers at once')
})

/** Looks a name up until all its addresses have been found: on a busy machine some answers come after the first ones are returned. */
async function findsAll(discovery: Discovery, name: string, addresses: readonly string[]): Promise<void> {
  const found = new Set<string>()
  while (!addresses.every(address => found.has(address)))
    for (const address of await discovery.lookup(name, PATIENCE_MS)) found.add(address)
}

/** Malformed datagrams of many kinds. */
function junk(i: number, name: string): Buffer {
  const asked = question(name)
  const answer = response(name)
  const noise = Buffer.from(Array.from({ length: i % 97 }, (_, at) => (i * 31 + at * 17) & 0xff))
  const kinds = [
    noise,
    Buffer.alloc(12, 0xff), // claims 4 × 65,535 records
    asked.subarray(0, i % asked.length),
    answer.subarray(0, i % answer.length),
    Buffer.concat([asked.subarray(0, -5), Buffer.from([0xc0, 0x0c, 0, 1, 0, 1])]), // a name that points to itself
    Buffer.concat([asked, noise]),
    Buffer.from(asked.map((byte, at) => (at === i % asked.length ? byte ^ (1 << (i % 8)) : byte))),
    Buffer.alloc(60_000, i), // longer than any query
    Buffer.concat([asked.subarray(0, 4), Buffer.from([0, 1, 0, 2, 0, 3, 0, 4]), asked.subarray(12), noise]), // fewer records than it claims
    Buffer.concat([asked.subarray(0, -4), Buffer.from([0, 0xff, 0xff, 0xff])]), // type ANY, class unknown
  ]
  return kinds[i % kinds.length] ?? noise
}

test('is found as before after five hundred malformed datagrams', BOUND, async t => {
  const a = open(t)
  const b = open(t)
  a.announce({ name: alice })
  const before = await b.lookup(alice, PATIENCE_MS)
  // Control: the datagrams arrive, and multicast-dns alone fails on them.
  const plain = multicastDns({ interface: '127.0.0.1', bind: '0.0.0.0' })
  t.after(() => plain.destroy())
  await once(plain, 'ready')
  let unreadable = 0
  let readable = 0
  plain.on('warning', () => unreadable++)
  plain.on('packet', () => readable++)
  for (const { address } of a.interfaces.filter(each => isIPv4(each.address))) {
    const stranger = await listener(t, MDNS_PORT, address)
    const pending = b.lookup(bob, PATIENCE_MS)
    for (let i = 0; i < 500; i++) await send(stranger, junk(i, i % 20 < 10 ? alice : bob), MDNS_PORT)
    a.announce({ name: bob })
    assert.ok((await pending).includes('127.0.0.1'), 'a lookup during the flood')
    a.announce({ name: alice })
    await findsAll(b, alice, before)
  }
  assert.ok(unreadable > 100 && readable > 100, `${unreadable} unreadable, ${readable} readable`)
})

test('answers a flood of queries a hundred times a second at most', BOUND, async t => {
  const port = await freePort()
  let now = 0
  const a = open(t, { port, clock: { now: () => now, after: systemClock.after } })
  a.announce({ name: 'alice' })
  assert.notDeepEqual(await a.lookup('alice', PATIENCE_MS), [])
  now += 10_000
  const stranger = await listener(t, port)
  const answers: string[] = []
  let heard = (_name: string): void => {}
  stranger.on('message', bytes => {
    if (((bytes[2] ?? 0) & 0x80) === 0) return
    const name = bytes.toString('latin1', 13, 18)
    answers.push(name)
    heard(name)
  })
  const isRead = a.lookup('flood', PATIENCE_MS)
  for (let i = 0; i < 140; i++) await send(stranger, question('alice'), port)
  await send(stranger, response('flood'), port)
  assert.deepEqual(await isRead, ['127.0.0.1'], 'alice has read the whole flood')
  now += 1_000
  const last = new Promise<void>(resolve => {
    heard = name => name === 'ALICE' && resolve()
  })
  await send(stranger, question('ALICE'), port)
  await last
  assert.equal(answers.filter(name => name === 'alice').length, 100)
})

/** The CPU time that this process spends on two thousand datagrams. Unlike elapsed time, it hardly depends on other load. */
async function costOfFlood(t: TestContext, port: number): Promise<number> {
  const flood = new Child(t, process.execPath, { args: [FLOOD, String(port), 'alice'] })
  const before = process.cpuUsage()
  for (let from = 0; (await flood.waitForLine(/^(batch|sent)$/, { from })) === 'batch'; from++) {
    await setImmediate() // the sockets read what has arrived
    flood.type('')
  }
  await flood.exited
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e3
}

test('two thousand expensive datagrams cost less than half of what they cost multicast-dns', BOUND, async t => {
  const [port, plainPort] = [await freePort(), await freePort()]
  let now = 0
  const a = open(t, { port, clock: { now: () => now, after: systemClock.after } })
  a.announce({ name: 'alice' })
  a.browse()
  const defended = await costOfFlood(t, port)
  assert.ok(a.services.length <= 64, `${a.services.length} peers believed`)
  now += 1_000
  assert.ok((await a.lookup('alice', PATIENCE_MS)).includes('127.0.0.1'), 'answers as before')
  const plain = multicastDns({ port: plainPort, interface: '127.0.0.1', bind: '0.0.0.0' })
  t.after(() => plain.destroy())
  await once(plain, 'ready')
  let arrived = 0
  for (const event of ['packet', 'warning'] as const) plain.on(event, () => arrived++)
  const bare = await costOfFlood(t, plainPort)
  const figures = `${defended.toFixed(0)} ms of CPU time; multicast-dns alone ${bare.toFixed(0)} ms`
  t.diagnostic(figures)
  assert.ok(arrived > 1_900, `${arrived} arrived`)
  assert.ok(defended < bare / 2, figures)
})
