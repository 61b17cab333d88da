import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { frame } from '../../src/base/wire/frames.js'
import { CHANNEL_WINDOW_BYTES, IDLE_ACK_BYTES } from '../../src/net/channels/limits.js'
import { SendQueue } from '../../src/net/channels/send-queue.js'
import { HEARTBEAT_MS, NOT_READING_MS_MAX, READING_CHECK_MS } from '../../src/net/limits.js'
import { roomId } from '../attack/author.js'
import { HostilePeer } from '../attack/hostile-peer.js'
import { openConnections, stranger, talk } from '../helper/connections-world.js'
import { scuttleupEnd } from '../helper/handshake-world.js'
import { ScuttleupTopology } from '../helper/scuttleup-topology.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const BOUND = { timeout: 60_000 }
const FRAME = Buffer.alloc(16_000, 2)

/** A queue whose window is full, and that has more to send. */
function fullQueue(): SendQueue {
  const queue = new SendQueue(CHANNEL_WINDOW_BYTES)
  for (let added = 0; added < 40; added++) queue.add(FRAME)
  while (queue.take(0) !== undefined);
  return queue
}

/** Time after which a queue is unread, if `bytes` are acknowledged every 10 s; undefined if that takes longer than `ms`. */
function unreadAfter(queue: SendQueue, bytes: number, ms: number): number | undefined {
  for (let passed = READING_CHECK_MS; passed <= ms; passed += READING_CHECK_MS) {
    queue.acknowledged(bytes)
    if (queue.isUnreadAfter(READING_CHECK_MS)) return passed
    if (bytes > 0) for (let more = 0; more < 4; more++) queue.add(FRAME)
    while (queue.take(0) !== undefined);
  }
  return undefined
}

test('frames that nobody acknowledges are unread after a minute', () => {
  assert.equal(unreadAfter(fullQueue(), 0, 600_000), NOT_READING_MS_MAX)
})

test('one byte acknowledged now and then is not reading', () => {
  assert.equal(unreadAfter(fullQueue(), 1, 600_000), NOT_READING_MS_MAX)
})

test('control: a peer that reads 16 KiB a minute reads', () => {
  assert.equal(unreadAfter(fullQueue(), Math.ceil(IDLE_ACK_BYTES / 5), 3_600_000), undefined)
})

test('control: nothing waits for a peer to which nothing is sent', () => {
  assert.equal(unreadAfter(new SendQueue(CHANNEL_WINDOW_BYTES), 0, 3_600_000), undefined)
})

/** Runs a peer for some virtual time. Resolves with the reasons for which its connection closed. */
async function closeReasonOf(
  t: TestContext,
  { reads, isPaused, frames, ms }: { reads: boolean; isPaused?: boolean; frames: number; ms: number },
): Promise<readonly string[]> {
  const clock = new VirtualClock()
  const alice = await openConnections(t, { clock, room: roomId('lobby') })
  const peer = await HostilePeer.dial(alice.address.port, { reads })
  t.after(() => peer.end())
  await alice.until(() => alice.connections.connections.length === 1)
  const [connection] = alice.connections.connections
  const [raw] = alice.accepted
  assert.ok(connection !== undefined && raw !== undefined)
  if (isPaused === true) peer.pause()
  for (let sent = 0; sent < frames; sent++) connection.stream.write(frame(FRAME))
  for (let passed = 0; passed < ms && alice.lost.length === 0; passed += HEARTBEAT_MS) {
    const before = raw.bytesRead
    peer.heartbeat()
    while (raw.bytesRead === before && !raw.destroyed) await new Promise(setImmediate)
    clock.advance(HEARTBEAT_MS)
    // Wait until acknowledgements arrive, and the end of a closed connection.
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  }
  return alice.lost
}

test('closes the connection to a peer that never reads, though it sends heartbeats', BOUND, async t => {
  assert.deepEqual(await closeReasonOf(t, { reads: false, isPaused: true, frames: 100, ms: 100_000 }), ['not-reading'])
  assert.deepEqual(await closeReasonOf(t, { reads: false, frames: 100, ms: 100_000 }), ['not-reading'])
})

test('control: keeps a peer that reads, and one to which little is sent', BOUND, async t => {
  assert.deepEqual(await closeReasonOf(t, { reads: true, frames: 100, ms: 300_000 }), [])
  assert.deepEqual(await closeReasonOf(t, { reads: false, isPaused: true, frames: 0, ms: 300_000 }), [])
})

test('closes the connection to a scuttleup peer that never reads, and keeps one that does', BOUND, async t => {
  const clock = new VirtualClock()
  const alice = await openConnections(t, { clock })
  const [deaf, reader] = [await stranger(t, alice.address), await stranger(t, alice.address)]
  talk(deaf, scuttleupEnd(new ScuttleupTopology('bob:1', 'alice:1')))
  await alice.until(() => alice.connections.connections.length === 1)
  talk(reader, scuttleupEnd(new ScuttleupTopology('carol:1', 'alice:1')))
  await alice.until(() => alice.connections.connections.length === 2)
  deaf.pause()
  // Send more than the buffers of the system can store.
  for (const { stream } of alice.connections.connections)
    for (let sent = 0; sent < 2_000; sent++) stream.write(frame(FRAME))
  const [, readers] = alice.accepted
  while ((readers as { writableLength?: number }).writableLength !== 0) await new Promise(setImmediate)
  for (let passed = 0; passed < NOT_READING_MS_MAX + 2 * HEARTBEAT_MS; passed += HEARTBEAT_MS) {
    clock.advance(HEARTBEAT_MS)
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  }
  await alice.until(() => alice.lost.length === 1)
  assert.deepEqual(alice.lost, ['not-reading'])
  assert.deepEqual(
    alice.connections.connections.map(({ remote }) => remote.address),
    ['carol:1'],
  )
})
