import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { authorOf } from '../../src/log/format/author.js'
import { PLACES_PER_ADDRESS_MAX } from '../../src/net/admission/places.js'
import { Author, entryOf, headOf, keyPair } from './author.js'
import {
  contactsFrame,
  fingerprintsFrame,
  headsFrame,
  neighbourFrame,
  notesFrame,
  requestFrame,
  segmentsFrame,
  statusFrame,
} from './frames.js'
import { HostilePeer } from './hostile-peer.js'
import { storedOf, until, type Victim, victim } from './victims.js'

const TIMEOUT = { timeout: 60_000 }
const ADMITTED_MS = 2_000
const FETCHED_MS = 5_000

async function hostile(t: TestContext, { port }: Victim, options = {}): Promise<HostilePeer> {
  const peer = await HostilePeer.dial(port, options)
  t.after(() => peer.end())
  return peer
}

/** Peers that connect one after the other, of which the victim may close some again. */
async function crowd(t: TestContext, at: Victim, count: number, options = {}): Promise<HostilePeer[]> {
  const peers: HostilePeer[] = []
  for (let index = 0; index < count; index++) {
    const peer = await HostilePeer.dial(at.port, options).catch(() => undefined)
    if (peer === undefined) continue
    t.after(() => peer.end())
    peers.push(peer)
  }
  return peers
}

const open = (peers: readonly HostilePeer[]): number => peers.filter(({ isClosed }) => !isClosed).length

/** Says a line over a connection; resolves with whether it is stored in time. */
async function isHeard(peer: HostilePeer, at: Victim): Promise<boolean> {
  const line = new Author(peer.room, peer.keys).segment([entryOf(Date.now(), 'guest', 'hello')])
  peer.send(headsFrame([]), segmentsFrame([line]))
  return until(at.room, () => storedOf(at.room, peer.keys.hex) === 1, ADMITTED_MS)
}

test('128 connections from one address leave half of the places free, and displace nobody known', TIMEOUT, async t => {
  const alice = await victim(t, 'alice')
  const [bob, carol] = await Promise.all(['bob', 'carol'].map(name => victim(t, name, { peers: [alice.room.address] })))
  assert.ok(bob !== undefined && carol !== undefined)
  const names = (): readonly string[] => alice.room.connectionSummary.connected
  assert.ok(await until(alice.room, () => names().length === 2, 10_000))
  const peers = await crowd(t, alice, 128)
  await alice.room.say('is anybody here?')
  for (const { room } of [bob, carol])
    assert.ok(await until(room, () => storedOf(room, alice.room.id) === 1, ADMITTED_MS), 'honest peers stay connected')
  assert.ok(open(peers) <= PLACES_PER_ADDRESS_MAX, `${open(peers)} hostile connections`)
  // A known person gets in from the same address, and stays.
  const keys = keyPair()
  alice.room.addressed(authorOf(keys.hex) ?? assert.fail())
  const known = await hostile(t, alice, { keys })
  assert.ok(await isHeard(known, alice))
  // So does a stranger from another address.
  assert.ok(await isHeard(await hostile(t, alice, { from: '127.0.0.2' }), alice))
  const more = await crowd(t, alice, 40)
  assert.ok(more.length > 0 && !known.isClosed, 'known people are not displaced')
})

test('sockets that never read or that drip keep nobody out', TIMEOUT, async t => {
  const alice = await victim(t, 'alice')
  const deaf = await crowd(t, alice, 40, { reads: false })
  for (const peer of deaf) peer.pause()
  const dripping = Array.from({ length: 40 }, () => {
    const socket = connect({ port: alice.port, host: '127.0.0.1' })
    socket.on('error', () => {}).write(Buffer.of(20))
    t.after(async () => void socket.destroy())
    return socket
  })
  assert.equal(dripping.length, 40)
  for (let line = 0; line < 20; line++) await alice.room.say('x'.repeat(8_000))
  const keys = keyPair()
  alice.room.addressed(authorOf(keys.hex) ?? assert.fail())
  assert.ok(await isHeard(await hostile(t, alice, { keys }), alice))
})

test('made-up heads, fingerprints and gaps keep no history and no news away', TIMEOUT, async t => {
  const carol = await victim(t, 'carol')
  const feed = await hostile(t, carol)
  const bob = new Author(feed.room)
  feed.send(headsFrame([]), ...bob.lines('bob', 50).map(segment => segmentsFrame([segment])))
  assert.ok(await until(carol.room, () => storedOf(carol.room, bob.keys.hex) === 50, 10_000))

  const alice = await victim(t, 'alice')
  const hostilePeer = await hostile(t, alice)
  hostilePeer.send(fingerprintsFrame(randomBytes(384)), headsFrame([]))
  const madeUp = (): Buffer => headOf(randomBytes(32), 1_000)
  for (let page = 0; page < 10; page++) hostilePeer.send(notesFrame('announce', Array.from({ length: 200 }, madeUp)))
  // It also claims to have more of bob's log than there is, and sends a part after a gap.
  const ahead = bob.fork()
  ahead.lines('bob', 100)
  hostilePeer.send(notesFrame('announce', [headOf(bob.keys.publicKey, 1_000)]))
  hostilePeer.send(segmentsFrame(ahead.lines('bob', 5)))
  hostilePeer.send(requestFrame(bob.keys.publicKey, 7), statusFrame(hostilePeer.keys, hostilePeer.room, 'mallory'))
  alice.room.connect(carol.room.address)
  assert.ok(await until(alice.room, () => storedOf(alice.room, bob.keys.hex) === 50, FETCHED_MS), 'history')
  feed.send(segmentsFrame(bob.lines('bob', 1)))
  assert.ok(await until(alice.room, () => storedOf(alice.room, bob.keys.hex) === 51, FETCHED_MS), 'news')
  assert.ok(!hostilePeer.isClosed, 'while the hostile peer is connected')
})

test('a relayed handshake, a loop and made-up contacts make nobody mute', TIMEOUT, async t => {
  const alice = await victim(t, 'alice')
  // Whoever dials this is led back to alice.
  const loop = createServer(socket => {
    const back = connect({ port: alice.port, host: '127.0.0.1' })
    for (const each of [socket, back]) each.on('error', () => {})
    socket.pipe(back).pipe(socket)
  })
  await new Promise<void>(resolve => loop.listen(0, '127.0.0.1', resolve))
  t.after(() => loop.close())
  const address = loop.address()
  if (address === null || typeof address === 'string') return assert.fail()
  alice.room.connect(`127.0.0.1:${address.port}`)
  assert.ok(await until(alice.room, () => alice.events.some(({ kind }) => kind === 'dialled-self'), 10_000))
  const peer = await hostile(t, alice)
  const own = Buffer.from(alice.room.id, 'hex')
  peer.send(headsFrame([]), neighbourFrame(5_000, 0))
  peer.send(
    contactsFrame([
      { key: own, port: alice.port },
      { key: randomBytes(8), port: 22 },
    ]),
  )
  await alice.room.say('still here')
  assert.match((await peer.frameOf(2)).toString('latin1'), /still here/)
  const bob = await victim(t, 'bob', { peers: [alice.room.address] })
  assert.ok(await until(bob.room, () => storedOf(bob.room, alice.room.id) === 1, FETCHED_MS))
})

test('a peer that claims our key without having it ends its own connection alone', TIMEOUT, async t => {
  const alice = await victim(t, 'alice')
  const publicKey = Buffer.from(alice.room.id, 'hex')
  const keys = { ...keyPair(), publicKey, hex: alice.room.id }
  await assert.rejects(HostilePeer.dial(alice.port, { keys, ageMs: 1_000_000 }))
  const honest = await hostile(t, alice)
  honest.send(headsFrame([]))
  await alice.room.say('still here')
  assert.match((await honest.frameOf(2)).toString('latin1'), /still here/)
})
