import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Author, headOf } from './author.js'
import { fingerprintsFrame, headsFrame, notesFrame, requestFrame, segmentsFrame, statusFrame } from './frames.js'
import { hostile, storedOf, until, victim } from './victims.js'

const TIMEOUT = { timeout: 90_000 }
const FETCHED_MS = 5_000

test('made-up heads, fingerprints and gaps delay neither history nor new lines', TIMEOUT, async t => {
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
  // It also claims a higher head of bob's log than exists, and sends entries after a gap.
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

test(
  'a Byzantine peer that announces every line first and sends none delays no line by more than 5 s',
  TIMEOUT,
  async t => {
    const carol = await victim(t, 'carol')
    const feed = await hostile(t, carol)
    const bob = new Author(feed.room)
    feed.send(headsFrame([]), ...bob.lines('bob', 1).map(segment => segmentsFrame([segment])))
    assert.ok(await until(carol.room, () => storedOf(carol.room, bob.keys.hex) === 1, 10_000))
    const alice = await victim(t, 'alice', { peers: [carol.room.address] })
    const liar = await hostile(t, alice)
    assert.ok(await until(alice.room, () => storedOf(alice.room, bob.keys.hex) === 1, 10_000))
    liar.send(headsFrame([bob.head]))
    let [asked, slowest] = [0, 0]
    liar.on('frame', body => {
      if (body[0] === 6) asked++
    })
    for (let line = 2; line <= 5; line++) {
      const segments = bob.lines('bob', 1)
      liar.send(notesFrame('announce', [bob.head]))
      const since = performance.now()
      feed.send(...segments.map(segment => segmentsFrame([segment])))
      assert.ok(await until(alice.room, () => storedOf(alice.room, bob.keys.hex) === line, FETCHED_MS), `line ${line}`)
      slowest = Math.max(slowest, performance.now() - since)
    }
    assert.ok(asked > 0, 'control: alice subscribes to the logs that the Byzantine peer announces')
    t.diagnostic(`the slowest line took ${Math.round(slowest)} ms`)
  },
)

test('control: lines that only a Byzantine peer has do not arrive', TIMEOUT, async t => {
  const alice = await victim(t, 'alice')
  const liar = await hostile(t, alice)
  const bob = new Author(liar.room)
  bob.lines('bob', 5)
  liar.send(headsFrame([bob.head]), notesFrame('announce', [bob.head]))
  assert.ok(!(await until(alice.room, () => storedOf(alice.room, bob.keys.hex) > 0, 2_000)))
})
