import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Child } from '../helper/child.js'
import { freeNames, localAddresses } from '../helper/ports.js'
import { addressOf, hasMulticast, startScuttleup } from '../helper/scuttleup-peer.js'
import { change, digest, framed, handshake, messageEntry, REQUEST, Stranger } from './scuttleup/stranger.js'

// The harness works: scuttleup peers talk to each other. And controls: what they do on input that native peers must survive.

const BOUND = { timeout: 300_000 }

/** Lower than any address here, so that the listening peer answers at once. */
const STRANGER = '0.0.0.0:0'

/** scuttleup's ids of logs. */
const CUID = /c[a-z0-9]{24}/

test('two scuttleup peers talk by address', BOUND, async t => {
  const [low, high] = await pair()
  const bob = await start(t, high, { peers: [low], username: 'bob' })
  const alice = await start(t, low, { peers: [high], username: 'alice' })
  alice.type('hello from alice')
  await bob.waitForLine(/^alice> hello from alice$/)
  bob.type('hello from bob')
  await alice.waitForLine(/^bob> hello from bob$/)
})

test('the scuttleup peer with the lower address redials, so the other may start later', BOUND, async t => {
  const [low, high] = await pair()
  const alice = await start(t, low, { peers: [high], username: 'alice' })
  alice.type('anyone there?')
  await alice.waitForLine('alice> anyone there?')
  const bob = await start(t, high, { peers: [low], username: 'bob' })
  await bob.waitForLine('alice> anyone there?')
})

test('two scuttleup peers find each other by multicast DNS', BOUND, async t => {
  if (!(await hasMulticast())) return t.skip('multicast does not come back on this machine')
  const [alicesName, bobsName] = await freeNames('alice', 'bob')
  const alice = await start(t, alicesName, { peers: [bobsName] })
  const bob = await start(t, bobsName, { peers: [alicesName] })
  await alice.waitForLine(`info> direct connection to ${addressOf(bobsName)}`)
  alice.type('hello')
  await bob.waitForLine(`${alicesName}> hello`)
})

test('a scuttleup peer prints its history after a restart and catches up', BOUND, async t => {
  const [low, high] = await pair()
  const data = await directory(t)
  const bob = await start(t, high, { peers: [low], username: 'bob' })
  const alice = await start(t, low, { peers: [high], username: 'alice', data })
  alice.type('before')
  await bob.waitForLine('alice> before')
  await alice.stop()
  bob.type('meanwhile')
  await bob.waitForLine('bob> meanwhile')
  const again = await start(t, low, { peers: [high], username: 'alice', data })
  await again.waitForLine('alice> before')
  await again.waitForLine('bob> meanwhile')
})

test('control: an HTTP request on its port kills the scuttleup program', BOUND, async t => {
  const [address] = await pair()
  const peer = await start(t, address)
  new Stranger(t, address).send(REQUEST)
  await diesOf(peer, /protocol-buffers/)
})

test('control: one malformed frame kills the scuttleup program', BOUND, async t => {
  const [address] = await pair()
  const peer = await start(t, address)
  new Stranger(t, address).send(framed(STRANGER), handshake('stranger'), framed(Buffer.alloc(8, 0xff)))
  await diesOf(peer, /protocol-buffers/)
})

test('control: an author called __proto__ kills the scuttleup program', BOUND, async t => {
  const [address] = await pair()
  const peer = await start(t, address)
  new Stranger(t, address).send(
    framed(STRANGER),
    handshake('stranger'),
    change('__proto__', 1, messageEntry('mallory', 'hello')),
  )
  await diesOf(peer, /TypeError/)
})

test('control: an entry that is not JSON kills the scuttleup program, now and at every later start', BOUND, async t => {
  const [address] = await pair()
  const data = await directory(t)
  const peer = await start(t, address, { data })
  new Stranger(t, address).send(framed(STRANGER), handshake('stranger'), change('mallory', 1, 'no JSON'))
  await diesOf(peer, /SyntaxError/)
  await diesOf(startScuttleup(t, { me: address, data }), /SyntaxError/)
})

test(
  'control: the scuttleup program stores an entry after a gap and announces that it has all of them',
  BOUND,
  async t => {
    const [address] = await pair()
    const data = await directory(t)
    const peer = await start(t, address, { data })
    new Stranger(t, address).send(
      framed(STRANGER),
      handshake('stranger'),
      change('mallory', 5, messageEntry('mallory', 'fifth')),
    )
    await peer.waitForLine('mallory> fifth')
    await peer.stop()
    const again = await start(t, address, { data })
    await again.waitForLine('mallory> fifth')
    const listener = new Stranger(t, address)
    listener.send(framed(STRANGER))
    await listener.waitFor(digest('mallory', 5))
  },
)

test('control: the scuttleup program accepts an entry under its own id from anyone', BOUND, async t => {
  const [address] = await pair()
  const alice = await start(t, address, { username: 'alice' })
  alice.type('mine')
  await alice.waitForLine('alice> mine')
  const stranger = new Stranger(t, address)
  stranger.send(framed(STRANGER))
  const id = await stranger.waitFor(CUID)
  stranger.send(handshake('stranger'), change(id, 2, messageEntry('alice', 'never said')))
  await alice.waitForLine('alice> never said')
  const listener = new Stranger(t, address)
  listener.send(framed(STRANGER))
  await listener.waitFor(digest(id, 2))
})

test('control: after a peer called __proto__ the scuttleup program disconnects others', BOUND, async t => {
  const [address] = await pair()
  const peer = await start(t, address)
  const earlier = new Stranger(t, address)
  earlier.send(framed('y:0'))
  await earlier.waitFor(framed(address))
  new Stranger(t, address).send(framed('__proto__'))
  await peer.waitForLine('info> direct connection to undefined')
  const later = new Stranger(t, address)
  later.send(framed('z:0'))
  await later.closed
  assert.equal(later.received.length, 0)
})

async function pair(): Promise<[string, string]> {
  const [low = '', high = ''] = await localAddresses(2)
  return [low, high]
}

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'scuttleup-'))
  t.after(() => rm(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}

async function start(
  t: TestContext,
  me: string,
  { data, ...options }: { peers?: string[]; username?: string; data?: string } = {},
): Promise<Child> {
  const peer = startScuttleup(t, { me, data: data ?? (await directory(t)), ...options })
  await peer.waitForLine('info> listening as')
  return peer
}

async function diesOf(peer: Child, error: RegExp): Promise<void> {
  assert.deepEqual(await peer.exited, { code: 1, signal: null }, peer.transcript())
  assert.match(peer.stderr.join('\n'), error)
}
