import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { authorOf } from '../../src/log/format/author.js'
import { CONNECTIONS_PER_ADDRESS_MAX } from '../../src/net/admission/slots.js'
import { Author, entryOf, keyPair } from './author.js'
import { headsFrame, segmentsFrame } from './frames.js'
import { HostilePeer } from './hostile-peer.js'
import { hostile, storedOf, until, type Victim, victim } from './victims.js'

const TIMEOUT = { timeout: 60_000 }
const ADMITTED_MS = 2_000

/** Peers that connect one after the other. The victim may close some of them. */
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

/** Sends a line over a connection. Resolves with whether it is stored in time. */
async function isHeard(peer: HostilePeer, at: Victim): Promise<boolean> {
  const line = new Author(peer.room, peer.keys).segment([entryOf(Date.now(), 'guest', 'hello')])
  peer.send(headsFrame([]), segmentsFrame([line]))
  return until(at.room, () => storedOf(at.room, peer.keys.hex) === 1, ADMITTED_MS)
}

test(
  '128 connections from one address leave half of the connections free, and evict no known person',
  TIMEOUT,
  async t => {
    const alice = await victim(t, 'alice')
    const [bob, carol] = await Promise.all(
      ['bob', 'carol'].map(name => victim(t, name, { peers: [alice.room.address] })),
    )
    assert.ok(bob !== undefined && carol !== undefined)
    const names = (): readonly string[] => alice.room.connectionSummary.connected
    assert.ok(await until(alice.room, () => names().length === 2, 10_000))
    const peers = await crowd(t, alice, 128)
    await alice.room.say('is anybody here?')
    for (const { room } of [bob, carol])
      assert.ok(
        await until(room, () => storedOf(room, alice.room.id) === 1, ADMITTED_MS),
        'honest peers stay connected',
      )
    assert.ok(open(peers) <= CONNECTIONS_PER_ADDRESS_MAX, `${open(peers)} hostile connections`)
    // A known person gets in from the same address, and stays.
    const keys = keyPair()
    alice.room.addressed(authorOf(keys.hex) ?? assert.fail())
    const known = await hostile(t, alice, { keys })
    assert.ok(await isHeard(known, alice))
    // So does a stranger from another address.
    assert.ok(await isHeard(await hostile(t, alice, { from: '127.0.0.2' }), alice))
    const more = await crowd(t, alice, 40)
    assert.ok(more.length > 0 && !known.isClosed, 'known people are not displaced')
  },
)

test('sockets that never read, or send a byte at a time, keep nobody out', TIMEOUT, async t => {
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
