// Hosts on a private network, each a namespace with its own addresses, ports and multicast.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { setTimeout as passing } from 'node:timers/promises'
import { connectedTo, startChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { type Host, Network, noHosts } from '../helper/network.js'
import { startScuttleupIn } from '../helper/scuttleup-peer.js'
import { Stopwatch } from '../helper/stopwatch.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000, skip: noHosts ?? false }

async function world(t: TestContext) {
  const data = await temporaryDirectory(t)
  const network = new Network(t)
  const chat = (host: Host, ...args: readonly string[]) => host.chat(args, `${data}/${host.address}`)
  return { network, chat, data }
}

/** Sends a line from one peer and waits until the other shows it. */
async function talk(from: Child, to: Child, line: string): Promise<void> {
  from.type(line)
  await to.waitForLine(`> ${line}`)
}

/** Waits until the node of `me` is connected to all others. Arrivals cannot show this: only the first stranger in a minute is reported by name. */
async function connectedToAll(t: TestContext, data: string, me: string, others: readonly string[]): Promise<void> {
  const connections = async (): Promise<unknown> => {
    const status = startChat(t, ['status', me, '--data', data, '--json'])
    await status.exited
    return JSON.parse(status.stdout[0] ?? '{}').rooms?.[0]?.connections
  }
  for (let names = await connections(); ; names = await connections())
    if (Array.isArray(names) && others.every(other => names.some(name => String(name).startsWith(other)))) return
}

const said = (child: Child, text: string | RegExp): Promise<string> => child.waitForLine(text, { stream: 'stderr' })

test('three hosts discover each other within 5 s', BOUND, async t => {
  const { network, chat, data } = await world(t)
  const hosts = [network.host(1), network.host(2), network.host(3)] as const
  const stopwatch = new Stopwatch()
  const [alice, bob, carol] = await Promise.all([
    chat(hosts[0], 'alice'),
    chat(hosts[1], 'bob'),
    chat(hosts[2], 'carol'),
  ])
  await Promise.all([
    connectedToAll(t, `${data}/${hosts[0].address}`, 'alice', ['bob', 'carol']),
    connectedToAll(t, `${data}/${hosts[1].address}`, 'bob', ['alice', 'carol']),
  ])
  const tookMs = stopwatch.ms
  assert.ok(tookMs < 5_000, `${tookMs} ms`)
  await said(alice, 'info> announced as alice on eth0 (10.77.0.1), lo (127.0.0.1)')
  await talk(alice, carol, 'hello from alice')
  await talk(carol, bob, 'hello from carol')
  const warnings = [alice, bob, carol].flatMap(({ stderr }) => stderr.filter(line => line.startsWith('warn>')))
  assert.deepEqual(warnings, [])
  t.diagnostic(`all connected ${Math.round(tookMs)} ms after the start`)
})

test('hosts in other rooms do not connect', BOUND, async t => {
  const { network, chat } = await world(t)
  const hosts = [network.host(1), network.host(2), network.host(3)] as const
  const alice = await chat(hosts[0], 'alice', '--room', 'ops')
  const bob = await chat(hosts[1], 'bob')
  const carol = await chat(hosts[2], 'carol', '--room', 'ops')
  await Promise.all([alice, carol].map(peer => said(peer, 'info> connected to')))
  await talk(alice, carol, 'among us')
  assert.deepEqual(
    bob.stderr.filter(line => /connected to|warn/.test(line)),
    [],
  )
})

test('finds a host whose first interface leads nowhere', BOUND, async t => {
  const { network, chat } = await world(t)
  const withDocker = network.host(1, { deadEnds: { docker0: '172.17.0.1', tun0: '10.8.0.2' } })
  const alice = await chat(withDocker, 'alice')
  const bob = await chat(network.host(2, { deadEnds: { docker0: '172.17.0.1' } }), 'bob', 'alice')
  await connectedTo(bob, 'alice')
  await talk(bob, alice, 'through the right one')
  assert.deepEqual(
    bob.stderr.filter(line => line.startsWith('warn>')),
    [],
  )
})

test('hosts with IPv6 addresses only discover each other', BOUND, async t => {
  const { network, chat } = await world(t)
  const alice = await chat(network.host(1, { isIpv6Only: true }), 'alice')
  const bob = await chat(network.host(2, { isIpv6Only: true }), 'bob')
  await connectedTo(alice, 'bob')
  await connectedTo(bob, 'alice')
  await talk(alice, bob, 'hello over IPv6')
})

test('connects two hosts with one port, and two users on one of them', BOUND, async t => {
  const { network, chat, data } = await world(t)
  const [one, two] = [network.host(1), network.host(2)]
  const alice = await chat(one, 'alice', '--listen', '4000')
  const bob = await chat(two, 'bob', '--listen', '4000')
  const carol = await chat(two, 'carol')
  await connectedToAll(t, `${data}/${one.address}`, 'alice', ['bob', 'carol'])
  await connectedToAll(t, `${data}/${two.address}`, 'bob', ['carol'])
  await talk(alice, bob, 'hello bob')
  await talk(bob, carol, 'hello carol')
})

test('connects two hosts with one name, and tells them apart', BOUND, async t => {
  const { network, chat } = await world(t)
  const first = await chat(network.host(1), 'alice')
  await said(first, 'announced as alice on')
  const second = await chat(network.host(2), 'alice')
  await said(second, 'announced as alice (2) on eth0 (10.77.0.2), lo (127.0.0.1): another alice is on this network')
  await said(first, 'info> connected to alice')
  first.type('I am the first')
  await second.waitForLine(/^alice \([0-9a-f]{8}\)> I am the first/)
})

test('listens on a free port if the hashed one is taken, and is found by name alone', BOUND, async t => {
  const { network, chat } = await world(t)
  const [one, two] = [network.host(1), network.host(2)]
  const blocker = one.start(process.execPath, [
    '-e',
    "require('net').createServer().listen(55204, () => console.log('up'))",
  ])
  await blocker.waitForLine('up')
  const alice = await chat(one, 'alice')
  await said(alice, /^warn> port 55204 is in use by another program: listening on port \d+ instead/)
  const bob = await chat(two, 'bob', 'alice')
  await connectedTo(bob, 'alice')
  await talk(alice, bob, 'moved')
})

test('connects to a host that runs scuttleup chat, in both directions', BOUND, async t => {
  const { network, chat, data } = await world(t)
  const [one, two, three] = [network.host(1), network.host(2), network.host(3)]
  const dave = startScuttleupIn(two, { me: 'dave', peers: ['alice', 'erin'], data: `${data}/dave` })
  await dave.waitForLine('info> listening')
  const alice = await chat(one, 'alice', 'dave')
  const erin = await chat(three, 'erin')
  await said(alice, 'connected to dave (not encrypted: scuttleup peer)')
  await connectedToAll(t, `${data}/${three.address}`, 'erin', ['alice'])
  await talk(alice, dave, 'hello dave')
  await talk(dave, alice, 'hello alice')
  await talk(dave, erin, 'hello erin')
})

test('without multicast, or with loopback only, the chat starts and addresses work', BOUND, async t => {
  const { network, chat } = await world(t)
  const [deaf, other, lonely] = [network.host(1), network.host(2), network.host(3, { isAlone: true })]
  for (const host of [deaf, other]) host.blockMulticast()
  const alice = await chat(deaf, 'alice', '--listen', '4000', '10.77.0.2:4000')
  const bob = await chat(other, 'bob', '--listen', '4000')
  await said(alice, 'info> connected to 10.77.0.2:4000')
  await talk(alice, bob, 'by address')
  const frank = await chat(deaf, 'frank', 'bob')
  await said(frank, 'warn> bob (bob.local:62474): no one on this network answers to that name; still trying')
  const carol = await chat(lonely, 'carol')
  const dave = await chat(lonely, 'dave', '--listen', 'localhost:4001', '--no-discovery')
  const erin = await chat(lonely, 'erin', 'localhost:4001')
  await talk(erin, dave, 'on one machine')
  await connectedTo(carol, 'erin')
})

test('hosts that were offline for 60 s catch up within 5 s, whether the connection broke or not', {
  ...BOUND,
  timeout: 300_000,
}, async t => {
  const { network, chat, data } = await world(t)
  const [one, two, three] = [network.host(1), network.host(2), network.host(3)]
  const alice = await chat(one, 'alice')
  const bob = await chat(two, 'bob')
  const carol = await chat(three, 'carol', 'alice')
  await connectedToAll(t, `${data}/${one.address}`, 'alice', ['bob', 'carol'])
  two.unplug()
  three.cut()
  await passing(30_000)
  alice.type('while you were away')
  await passing(30_000)
  assert.deepEqual([...bob.stdout, ...carol.stdout], [], 'control: nothing arrived while offline')
  two.plugIn()
  three.mend()
  const stopwatch = new Stopwatch()
  const back = async (peer: Child): Promise<number> => {
    await peer.waitForLine('alice> while you were away')
    return stopwatch.ms
  }
  const tookMs = await Promise.all([back(bob), back(carol)])
  t.diagnostic(`after ${tookMs.map(Math.round).join(' and ')} ms`)
  for (const ms of tookMs) assert.ok(ms < 5_000, `${ms} ms`)
})
