import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { authorOf, logOfKey } from '../../src/log/format/author.js'
import { decodeSegment } from '../../src/log/format/segment.js'
import type { Log } from '../../src/log/log.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import { homeOf } from '../../src/node/paths.js'
import type { Room } from '../../src/node/room.js'
import { openLog } from '../../src/node/stored-log.js'
import { archiveOf, readArchive } from '../../src/sync/archive.js'
import { logOver } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { alice as aliceKeys } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'
import { Author, entryOf, keyPair, roomId } from './author.js'
import { headsFrame, notesFrame, segmentsFrame } from './frames.js'
import { HostilePeer } from './hostile-peer.js'
import { PlainPeer } from './plain-peer.js'
import { storedOf, until, type Victim, victim } from './victims.js'

const MIB = 1024 * 1024
const TIMEOUT = { timeout: 60_000 }
/** The limits of the victims for strangers: 4 MiB and 32 logs. */
const SMALL = { diskBytesMax: 16 * MIB }
const LOGS_MAX = 32
const HEARD_MS = 2_000

const strangersIn = (room: Room): number => room.heads.filter(({ author }) => !author.startsWith(room.id)).length

/** One line of each of many authors. */
const manyAuthors = (room: Buffer, count: number): Buffer[] =>
  Array.from({ length: count }, (_, index) =>
    segmentsFrame([new Author(room).segment([entryOf(Date.now() + index, `guest${index}`, 'hello')])]),
  )

/** Adds the segment in a frame. */
function addTo(log: Log, frame: Buffer): ReturnType<Log['addSigned']> {
  const segment = decodeSegment(frame.subarray(3)) ?? assert.fail('malformed')
  return log.addSigned(logOfKey(segment.key), [segment])
}

async function hostile(t: TestContext, { port }: Victim, options = {}): Promise<HostilePeer> {
  const peer = await HostilePeer.dial(port, options)
  t.after(() => peer.end())
  peer.send(headsFrame([]))
  return peer
}

/** A newcomer connects and sends a line. Resolves with the time until all rooms stored it, or fails. */
async function newcomerIsHeard(t: TestContext, at: Victim, rooms: readonly Room[]): Promise<void> {
  const peer = await hostile(t, at)
  peer.send(segmentsFrame([new Author(peer.room, peer.keys).segment([entryOf(Date.now(), 'newcomer', 'hello')])]))
  for (const room of rooms)
    assert.ok(await until(room, () => storedOf(room, peer.keys.hex) === 1, HEARD_MS), `unheard by ${room.me}`)
}

/** alice, and bob, who named her. alice knows carol, whose lines she has. */
async function room(t: TestContext): Promise<{ alice: Victim; bob: Victim; carol: Author }> {
  const alice = await victim(t, 'alice', SMALL)
  const bob = await victim(t, 'bob', { ...SMALL, peers: [alice.room.address] })
  const peer = await hostile(t, alice)
  const carol = new Author(peer.room)
  for (const each of [alice, bob]) each.room.addressed(authorOf(carol.keys.hex) ?? assert.fail())
  peer.send(segmentsFrame(carol.lines('carol', 10)))
  for (const each of [alice, bob])
    assert.ok(await until(each.room, () => storedOf(each.room, carol.keys.hex) === 10, 10_000))
  peer.end()
  return { alice, bob, carol }
}

for (const connections of [1, 8])
  test(`an endless stream of authors over ${connections} connections keeps no newcomer out`, TIMEOUT, async t => {
    const { alice, bob, carol } = await room(t)
    const peers = await Promise.all(Array.from({ length: connections }, () => hostile(t, alice)))
    await Promise.all(peers.map(peer => peer.sendAll(manyAuthors(peer.room, 200 / connections))))
    assert.ok(await until(alice.room, () => strangersIn(alice.room) >= LOGS_MAX, 10_000))
    await newcomerIsHeard(t, alice, [alice.room, bob.room])
    for (const { room } of [alice, bob]) {
      const isBounded = (): boolean => strangersIn(room) <= LOGS_MAX + 2
      assert.ok(await until(room, isBounded, 5_000), `${strangersIn(room)} strangers and known people`)
      assert.equal(storedOf(room, carol.keys.hex), 10, 'a known author stays')
    }
  })

test('control: without a quota, an endless stream of authors keeps a newcomer out', async () => {
  const log = await logOver(new MemoryStore(), aliceKeys, { clock: new VirtualClock(), authorsMax: LOGS_MAX })
  let refusals = 0
  for (const frame of manyAuthors(roomId('lobby'), LOGS_MAX + 10))
    if ((await addTo(log, frame))?.reason.kind === 'author-limit') refusals++
  assert.equal(refusals, 10)
  await log.close()
})

test('a newcomer is heard after a restart too', TIMEOUT, async t => {
  const alice = await victim(t, 'alice', SMALL)
  const peer = await hostile(t, alice)
  await peer.sendAll(manyAuthors(peer.room, 60))
  assert.ok(await until(alice.room, () => strangersIn(alice.room) >= LOGS_MAX, 10_000))
  await alice.room.close()
  const again = await victim(t, 'alice', { ...SMALL, data: alice.data })
  assert.ok(strangersIn(again.room) <= LOGS_MAX + 1)
  await newcomerIsHeard(t, again, [again.room])
})

test('an import of an endless stream of authors keeps no newcomer out', TIMEOUT, async t => {
  const alice = await victim(t, 'alice', SMALL)
  await alice.room.close()
  const source = await logOver(new MemoryStore(), aliceKeys, { clock: new VirtualClock() })
  for (const frame of manyAuthors(roomId('lobby'), 60)) await addTo(source, frame)
  const { log } = await openLog(homeOf(alice.data, 'alice', 'lobby'), () => {})
  const { added } = await readArchive(log, roomId('lobby'), archiveOf(source, roomId('lobby')))
  assert.equal(added, 60)
  assert.ok(log.head.length > LOGS_MAX + 1, 'control: the command stores all of them')
  await Promise.all([log.close(), source.close()])
  const again = await victim(t, 'alice', { ...SMALL, data: alice.data })
  assert.ok(strangersIn(again.room) <= LOGS_MAX + 1, `${strangersIn(again.room)} strangers`)
  await newcomerIsHeard(t, again, [again.room])
})

test('a flood stops at a valid prefix, within its share, and known authors are stored in full', TIMEOUT, async t => {
  const { alice, bob, carol } = await room(t)
  const peer = await hostile(t, alice)
  const flood = new Author(peer.room, peer.keys)
  const segments = flood.lines('mallory', 800, 10_000)
  await peer.sendAll(segments.map(segment => segmentsFrame([segment])))
  assert.ok(await until(alice.room, () => alice.events.some(({ kind }) => kind === 'log-stopped'), 10_000))
  const stored = storedOf(alice.room, peer.keys.hex)
  assert.ok(stored > 300 && stored * 10_000 <= 4 * MIB, `${stored} lines`)
  assert.equal(stored % 9, 0, 'whole segments')
  await newcomerIsHeard(t, alice, [alice.room, bob.room])
  const friend = await hostile(t, alice)
  await friend.sendAll(carol.lines('carol', 600, 10_000).map(segment => segmentsFrame([segment])))
  assert.ok(
    await until(alice.room, () => storedOf(alice.room, carol.keys.hex) === 610, 20_000),
    'known authors in full',
  )
})

test('a stopped log is not fetched again when its author returns, until the user asks', TIMEOUT, async t => {
  const alice = await victim(t, 'alice', SMALL)
  const keys = keyPair()
  const first = await hostile(t, alice, { keys })
  const flood = new Author(first.room, keys)
  const frames = flood.lines('mallory', 600, 10_000).map(segment => segmentsFrame([segment]))
  await first.sendAll(frames)
  assert.ok(await until(alice.room, () => alice.events.some(({ kind }) => kind === 'log-stopped'), 10_000))
  const stored = storedOf(alice.room, keys.hex)
  first.end()

  const again = await HostilePeer.dial(alice.port, { keys })
  t.after(() => again.end())
  const subscriptions: number[] = []
  again.on('frame', body => {
    // A subscription to the log, which is a field of 40 bytes with the key, the run and the seq.
    if (body[0] !== 6 || body[1] !== 8 * 2 + 2 || !body.subarray(3, 35).equals(keys.publicKey)) return
    subscriptions.push(body.readUInt32BE(39))
    void again.sendAll(frames.slice(Math.floor(body.readUInt32BE(39) / 9)))
  })
  again.send(headsFrame([flood.head]), notesFrame('announce', [flood.head]))
  assert.ok(await until(alice.room, () => alice.room.connectionSummary.connected.length > 0, 5_000))
  await alice.room.say('hello')
  await again.frameOf(2)
  assert.deepEqual(subscriptions, [], 'not fetched again')
  assert.equal(storedOf(alice.room, keys.hex), stored)

  alice.room.showAll(keys.hex.slice(0, 8))
  assert.ok(await until(alice.room, () => storedOf(alice.room, keys.hex) === 600, 20_000), 'shown in full')
  assert.deepEqual(subscriptions, [stored])
})

/**
 * The author of a log that has stopped returns after a restart. Resolves with the subscriptions that the author receives, and the stored
 * seq.
 */
async function returnedAfterRestart(
  t: TestContext,
  between: (data: string) => Promise<void>,
): Promise<{ subscriptions: number; before: number; after: number }> {
  const alice = await victim(t, 'alice', SMALL)
  const keys = keyPair()
  const first = await hostile(t, alice, { keys })
  const flood = new Author(first.room, keys)
  const frames = flood.lines('mallory', 600, 10_000).map(segment => segmentsFrame([segment]))
  await first.sendAll(frames)
  assert.ok(await until(alice.room, () => alice.events.some(({ kind }) => kind === 'log-stopped'), 10_000))
  const before = storedOf(alice.room, keys.hex)
  await alice.room.close()
  await between(alice.data)
  const again = await victim(t, 'alice', { ...SMALL, data: alice.data })
  const peer = await HostilePeer.dial(again.port, { keys })
  t.after(() => peer.end())
  let subscriptions = 0
  peer.on('frame', body => {
    if (body[0] === 6 && body[1] === 8 * 2 + 2 && body.subarray(3, 35).equals(keys.publicKey)) subscriptions++
  })
  peer.send(headsFrame([flood.head]), notesFrame('announce', [flood.head]))
  assert.ok(await until(again.room, () => again.room.connectionSummary.connected.length > 0, 5_000))
  await peer.sendAll(frames.slice(-1))
  await again.room.say('hello')
  await peer.frameOf(2)
  const after = storedOf(again.room, keys.hex)
  again.room.showAll(keys.hex.slice(0, 8))
  return { subscriptions, before, after }
}

test('a stopped log is not fetched again after a restart', TIMEOUT, async t => {
  const { subscriptions, before, after } = await returnedAfterRestart(t, async () => {})
  assert.equal(subscriptions, 0)
  assert.equal(after, before)
})

test('control: without the rows of strangers, it is fetched again after a restart', TIMEOUT, async t => {
  const { subscriptions } = await returnedAfterRestart(t, async data => {
    const store = await LevelStore.open(homeOf(data, 'alice', 'lobby').database)
    const range = { gte: Buffer.from('p'), lt: Buffer.from('q') }
    for await (const page of store.keys(range)) await store.commit(page.map(key => ({ type: 'del', key })))
    await store.close()
  })
  assert.ok(subscriptions > 0)
})

test('a newcomer whom nobody named gets all of a room of 100 authors', TIMEOUT, async t => {
  const alice = await victim(t, 'alice')
  const peer = await hostile(t, alice)
  const authors = Array.from({ length: 100 }, () => new Author(peer.room))
  await peer.sendAll(authors.map((author, index) => segmentsFrame(author.lines(`author ${index}`, 5, 4_000))))
  assert.ok(await until(alice.room, () => strangersIn(alice.room) === 100, 20_000))
  const bob = await victim(t, 'bob', { peers: [alice.room.address] })
  const hasAll = (): boolean => authors.every(({ keys }) => storedOf(bob.room, keys.hex) === 5)
  assert.ok(await until(bob.room, hasAll, 20_000), `${strangersIn(bob.room)} authors`)
})

test('two peers whose full pools differ agree on the order, and each can get the rest', TIMEOUT, async t => {
  const [alice, bob] = await Promise.all([victim(t, 'alice', SMALL), victim(t, 'bob', SMALL)])
  const carol = await victim(t, 'carol')
  const peer = await hostile(t, carol)
  const authors = Array.from({ length: 6 }, () => new Author(peer.room))
  const frames = authors.map((author, n) => author.lines(`author ${n}`, 90, 10_000).map(each => segmentsFrame([each])))
  await peer.sendAll(frames.flat())
  // bob received the last authors' logs first.
  const other = await hostile(t, bob)
  await other.sendAll(frames.slice(2).flat())
  const hasAll = (at: Victim): boolean => authors.every(({ keys }) => storedOf(at.room, keys.hex) === 90)
  assert.ok(await until(carol.room, () => hasAll(carol), 20_000))
  for (const at of [alice, bob]) {
    at.room.connect(carol.room.address)
    assert.ok(await until(at.room, () => at.events.some(({ kind }) => kind === 'log-stopped'), 20_000))
    assert.ok(!hasAll(at))
  }
  // bob addresses the authors, and alice asks for the rest of the stopped logs.
  for (const { keys } of authors) bob.room.addressed(authorOf(keys.hex) ?? assert.fail())
  const showAll = (): void => {
    for (const { keys } of authors) alice.room.showAll(keys.hex.slice(0, 8))
  }
  const hasShown = (): boolean => {
    showAll()
    return hasAll(alice)
  }
  assert.ok(await until(bob.room, () => hasAll(bob), 20_000), 'bob')
  assert.ok(await until(alice.room, hasShown, 20_000), 'alice')
  const [one, two] = await Promise.all([alice, bob].map(linesOf))
  assert.deepEqual(one, two)
})

async function linesOf({ room }: Victim): Promise<string[]> {
  const lines: string[] = []
  for await (const { author, seq } of room.messages()) lines.push(`${author} ${seq}`)
  return lines
}

test('nobody adds to the lines of an unsigned author who is connected', TIMEOUT, async t => {
  const alice = await victim(t, 'alice')
  const walter = await PlainPeer.dial(alice.port, 'walter')
  t.after(() => walter.end())
  for (let seq = 1; seq <= 5; seq++) walter.line('walter', seq, `true ${seq}`)
  assert.ok(await until(alice.room, () => storedOf(alice.room, 'walter') === 5, 10_000))
  const mallory = await PlainPeer.dial(alice.port, 'mallory')
  t.after(() => mallory.end())
  for (let seq = 6; seq <= 49; seq++) mallory.line('walter', seq, `false ${seq}`)
  mallory.line('mallory', 1, 'done')
  assert.ok(await until(alice.room, () => storedOf(alice.room, 'mallory') === 1, 10_000))
  walter.line('walter', 6, 'true 6')
  assert.ok(await until(alice.room, () => storedOf(alice.room, 'walter') === 6, 10_000))
  const texts: string[] = []
  for await (const { message } of alice.room.messages()) texts.push(message)
  assert.ok(!texts.some(text => text.startsWith('false')), texts.join())
})

test('endless unsigned authors, over several connections, displace nobody who is connected', TIMEOUT, async t => {
  const alice = await victim(t, 'alice', SMALL)
  const walter = await PlainPeer.dial(alice.port, 'walter')
  t.after(() => walter.end())
  for (let seq = 1; seq <= 5; seq++) walter.line('walter', seq, `true ${seq}`)
  assert.ok(await until(alice.room, () => storedOf(alice.room, 'walter') === 5, 10_000))
  const flood = await Promise.all(Array.from({ length: 6 }, (_, n) => PlainPeer.dial(alice.port, `mallory${n}`)))
  for (const [n, peer] of flood.entries()) {
    t.after(() => peer.end())
    for (let author = 0; author < 20; author++) peer.line(`guest${n}x${author}`, 1, 'hello')
  }
  const isFull = (): boolean => strangersIn(alice.room) >= LOGS_MAX
  assert.ok(await until(alice.room, isFull, 10_000), 'control: while there is room, all are stored')
  walter.line('walter', 6, 'true 6')
  assert.ok(await until(alice.room, () => storedOf(alice.room, 'walter') === 6, HEARD_MS))
  await newcomerIsHeard(t, alice, [alice.room])
  assert.ok(await until(alice.room, () => strangersIn(alice.room) <= LOGS_MAX + 1, 5_000), `${strangersIn(alice.room)}`)
  assert.equal(storedOf(alice.room, 'walter'), 6)
})

test('control: the same lines of an unknown unsigned author are accepted', TIMEOUT, async t => {
  const alice = await victim(t, 'alice')
  const mallory = await PlainPeer.dial(alice.port, 'mallory')
  t.after(() => mallory.end())
  mallory.line('walter', 1, 'false 1')
  assert.ok(await until(alice.room, () => storedOf(alice.room, 'walter') === 1, 10_000))
})
