import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import test from 'node:test'
import fc from 'fast-check'
import { SeededRandom } from '../../src/base/seeded-random.js'
import { frame } from '../../src/base/wire/frames.js'
import type { Channel } from '../../src/net/channels/channel.js'
import { CHANNEL_WINDOW_BYTES, IDLE_ACK_BYTES, ROOMS_MAX, STRANGER_ROOMS_MAX } from '../../src/net/channels/limits.js'
import { Multiplexer } from '../../src/net/channels/multiplexer.js'
import { PING } from '../../src/net/channels/rooms-frame.js'
import type { RawConnection } from '../../src/net/peer-source.js'
import type { Violation } from '../../src/net/violation.js'
import { onChannel, roomsFrame } from '../helper/channel-frames.js'

const HASH = Buffer.alloc(64, 5)
const room = (number: number): Uint8Array => Buffer.alloc(32, number)
const [OPS, DEV, LAB] = [room(1), room(2), room(3)] as const

/** One end of a connection in memory. */
class MemoryConnection extends Duplex implements RawConnection {
  readonly remoteAddress = '10.0.0.2'
  bytesRead = 0
  other: MemoryConnection | undefined
  readonly sent: Uint8Array[] = []
  /** Bytes in flight, while deliveries are paused. */
  readonly inFlight: Uint8Array[] = []
  isDelayed = false

  /** Delivers the oldest bytes in flight. Returns false if there are none. */
  deliverOne(): boolean {
    const chunk = this.inFlight.shift()
    if (chunk !== undefined) this.other?.push(chunk)
    return chunk !== undefined
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.sent.push(chunk)
    if (this.other !== undefined) {
      this.other.bytesRead += chunk.length
      if (this.isDelayed) this.inFlight.push(chunk)
      else this.other.push(chunk)
    }
    done()
  }
}

function side(role: 'dialler' | 'listener', windowBytes?: number) {
  const connection = new MemoryConnection()
  const random = new SeededRandom(1, role)
  const multiplexer = new Multiplexer(connection, {
    role,
    handshakeHash: HASH,
    random,
    ...(windowBytes !== undefined && { windowBytes }),
  })
  const opened: string[] = []
  const violations: Violation[] = []
  multiplexer.on('channel', name => opened.push(name.slice(0, 2)))
  multiplexer.on('violation', violation => violations.push(violation))
  return { connection, multiplexer, opened, violations }
}

function pair(windowBytes?: number) {
  const [alice, bob] = [side('dialler', windowBytes), side('listener', windowBytes)]
  alice.connection.other = bob.connection
  bob.connection.other = alice.connection
  return { alice, bob }
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Collects the frames that a channel delivers. */
function heardOf(channel: Channel | undefined): Buffer[] {
  const heard: Buffer[] = []
  channel?.on('data', (bytes: Buffer) => heard.push(bytes))
  return heard
}

test('opens a channel for each room that both sides have, and for no other', async () => {
  const { alice, bob } = pair()
  alice.multiplexer.offer([OPS, DEV])
  bob.multiplexer.offer([LAB, DEV, OPS])
  await turn()
  assert.deepEqual(alice.opened.sort(), ['01', '02'])
  assert.deepEqual(bob.opened.sort(), ['01', '02'])
  assert.equal(bob.multiplexer.channelOf(LAB), undefined)
  const captured = Buffer.concat([...alice.connection.sent, ...bob.connection.sent])
  for (const id of [OPS, DEV, LAB]) assert.ok(!captured.includes(Buffer.from(id)), 'a room id is never sent')
})

test('delivers whole frames, each to the room whose channel it was written on', async () => {
  const { alice, bob } = pair()
  alice.multiplexer.offer([OPS, DEV])
  bob.multiplexer.offer([DEV, OPS])
  await turn()
  const heard = { ops: heardOf(bob.multiplexer.channelOf(OPS)), dev: heardOf(bob.multiplexer.channelOf(DEV)) }
  const written = { ops: [] as Uint8Array[], dev: [] as Uint8Array[] }
  for (let i = 0; i < 50; i++)
    for (const [name, id] of [
      ['ops', OPS],
      ['dev', DEV],
    ] as const) {
      const bytes = frame(Buffer.alloc(1 + i * 37, name))
      written[name].push(bytes)
      // In pieces: a frame need not be written with one call.
      alice.multiplexer.channelOf(id)?.write(bytes.subarray(0, 1))
      alice.multiplexer.channelOf(id)?.write(bytes.subarray(1))
    }
  await turn()
  for (const name of ['ops', 'dev'] as const)
    assert.deepEqual(Buffer.concat(heard[name]), Buffer.concat(written[name]), name)
})

test('a room whose reader has stopped blocks only its own frames, up to its window', async () => {
  const { alice, bob } = pair()
  alice.multiplexer.offer([OPS, DEV])
  bob.multiplexer.offer([OPS, DEV])
  await turn()
  const [ops, dev] = [alice.multiplexer.channelOf(OPS), alice.multiplexer.channelOf(DEV)]
  const stopped = bob.multiplexer.channelOf(OPS)
  const heard = heardOf(bob.multiplexer.channelOf(DEV))
  for (let i = 0; i < 100; i++) ops?.write(frame(Buffer.alloc(32 * 1024, 2)))
  await turn()
  const waiting = stopped?.readableLength ?? 0
  assert.ok(waiting > CHANNEL_WINDOW_BYTES / 2 && waiting <= CHANNEL_WINDOW_BYTES, `${waiting} bytes wait`)
  dev?.write(frame(Buffer.from('a line')))
  ops?.write(frame(Buffer.concat([Buffer.from([8]), Buffer.from('a status')])))
  await turn()
  assert.deepEqual(Buffer.concat(heard), frame(Buffer.from('a line')))
  assert.deepEqual([alice.violations, bob.violations], [[], []])
  // Once the stopped reader reads, everything else arrives.
  const rest = heardOf(stopped)
  for (let turns = 0; turns < 200; turns++) await turn()
  const total = rest.reduce((sum, { length }) => sum + length, 0)
  assert.ok(total > 100 * 32 * 1024, `${total} bytes`)
})

test('rooms that sync share a window, lines of others do not wait for it, and a stopped room delays no other', async () => {
  const { alice, bob } = pair()
  for (const { multiplexer } of [alice, bob]) multiplexer.offer([OPS, DEV, LAB])
  await turn()
  const channels = [OPS, DEV, LAB].map(id => alice.multiplexer.channelOf(id))
  const stopped = [OPS, DEV].map(id => bob.multiplexer.channelOf(id))
  const heard = heardOf(bob.multiplexer.channelOf(LAB))
  for (let i = 0; i < 40; i++)
    for (const channel of channels.slice(0, 2)) channel?.write(frame(Buffer.alloc(100_000, 2)))
  await turn()
  const waiting = stopped.reduce((sum, channel) => sum + (channel?.readableLength ?? 0), 0)
  assert.ok(waiting > CHANNEL_WINDOW_BYTES - 100_010 && waiting <= CHANNEL_WINDOW_BYTES, `${waiting} bytes wait`)
  channels[2]?.write(frame(Buffer.from('a line')))
  await turn()
  assert.deepEqual(Buffer.concat(heard), frame(Buffer.from('a line')))
  // A third room that syncs makes progress, although the others are not read.
  let written = 7
  for (let i = 0; i < 40; i++, written += 100_003) channels[2]?.write(frame(Buffer.alloc(100_000, 2)))
  for (let turns = 0; turns < 200 && Buffer.concat(heard).length < written; turns++) await turn()
  assert.equal(Buffer.concat(heard).length, written)
  assert.deepEqual([alice.violations, bob.violations], [[], []])
})

test('a reader that stops and goes on again receives everything', async () => {
  // The window is so small that the sender waits for ever unless all bytes read are acknowledged.
  const { alice, bob } = pair(IDLE_ACK_BYTES)
  alice.multiplexer.offer([OPS])
  bob.multiplexer.offer([OPS])
  await turn()
  const [ops, reader] = [alice.multiplexer.channelOf(OPS), bob.multiplexer.channelOf(OPS)]
  let heard = 0
  reader?.on('data', ({ length }: Buffer) => {
    heard += length
  })
  let written = 0
  for (let round = 1; round <= 20; round++) {
    reader?.pause()
    for (let i = 0; i < 25; i++) {
      const bytes = frame(Buffer.alloc(Math.min(250_000, 1_000 + 997 * round * i), 2))
      written += bytes.length
      ops?.write(bytes)
    }
    await turn()
    reader?.resume()
    for (let turns = 0; turns < 100 && heard < written; turns++) await turn()
    assert.equal(heard, written, `round ${round}`)
  }
})

test('frames of the side channel pass those that wait for the window', async () => {
  const { alice, bob } = pair()
  alice.multiplexer.offer([OPS])
  bob.multiplexer.offer([OPS])
  await turn()
  const ops = alice.multiplexer.channelOf(OPS)
  for (let i = 0; i < 100; i++) ops?.write(frame(Buffer.alloc(32 * 1024, 2)))
  const status = frame(Buffer.concat([Buffer.from([8]), Buffer.from('here')]))
  // The queue of a channel is bounded. Frames that the writer writes while it is full are not in the queue yet, so they cannot be
  // overtaken.
  await turn()
  const before = bob.connection.bytesRead
  ops?.write(status)
  await turn()
  assert.ok(bob.connection.bytesRead - before < 1_000)
})

test('closes the channel of a withdrawn room at both sides, and opens it again later', async () => {
  const { alice, bob } = pair()
  alice.multiplexer.offer([OPS, DEV])
  bob.multiplexer.offer([OPS, DEV])
  await turn()
  const first = bob.multiplexer.channelOf(OPS)
  alice.multiplexer.withdraw(OPS)
  await turn()
  assert.ok(first?.destroyed)
  assert.equal(alice.multiplexer.channelOf(OPS), undefined)
  assert.ok(!bob.connection.destroyed)
  alice.multiplexer.offer([OPS])
  await turn()
  const heard = heardOf(bob.multiplexer.channelOf(OPS))
  assert.ok(heard && bob.multiplexer.channelOf(OPS) !== first)
  alice.multiplexer.channelOf(OPS)?.write(frame(Buffer.from('back')))
  await turn()
  assert.deepEqual(Buffer.concat(heard), frame(Buffer.from('back')))
})

test('agrees on the open rooms, however both sides open and close them, and mixes up none', async () => {
  const action = fc.record({
    who: fc.constantFrom('alice' as const, 'bob' as const),
    room: fc.constantFrom(OPS, DEV, LAB),
    what: fc.constantFrom('offer', 'withdraw', 'say', 'deliver', 'deliver'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), async actions => {
      const sides = pair()
      const wanted = { alice: new Set<Uint8Array>(), bob: new Set<Uint8Array>() }
      for (const [name, { connection, multiplexer }] of Object.entries(sides)) {
        connection.isDelayed = true
        multiplexer.on('channel', (room, channel) =>
          channel.on('data', (bytes: Buffer) => assert.equal(bytes[1], Number.parseInt(room.slice(0, 2), 16), name)),
        )
        multiplexer.offer([])
      }
      for (const { who, room, what } of actions) {
        const { multiplexer, connection } = sides[who]
        if (what === 'offer') wanted[who].add(room)
        if (what === 'withdraw') wanted[who].delete(room)
        if (what === 'offer') multiplexer.offer([room])
        if (what === 'withdraw') multiplexer.withdraw(room)
        if (what === 'say') multiplexer.channelOf(room)?.write(frame(Buffer.alloc(3, room[0])))
        if (what === 'deliver') connection.deliverOne()
        if (what !== 'deliver') await turn()
      }
      for (let quiet = 0; quiet < 3; quiet++) {
        while (sides.alice.connection.deliverOne() || sides.bob.connection.deliverOne()) quiet = 0
        await turn()
      }
      const [alice, bob] = [sides.alice, sides.bob]
      assert.deepEqual([alice.violations, bob.violations], [[], []])
      for (const room of [OPS, DEV, LAB]) {
        const isCommon = wanted.alice.has(room) && wanted.bob.has(room)
        for (const { multiplexer } of [alice, bob]) assert.equal(multiplexer.channelOf(room) !== undefined, isCommon)
      }
    }),
    { numRuns: 300 },
  )
})

test('rejects a room that comes back to a slot that it left', async () => {
  const alice = side('dialler')
  alice.multiplexer.offer([OPS])
  for (const rooms of [[OPS], [DEV, OPS], [DEV, LAB, OPS]]) alice.connection.push(roomsFrame(rooms, HASH, 'listener'))
  await turn()
  assert.deepEqual([alice.opened, alice.violations], [['01', '01', '01'], []])
  alice.connection.push(roomsFrame([OPS], HASH, 'listener'))
  await turn()
  assert.deepEqual(alice.violations, ['malformed-rooms'])
})

test('closes the connection when every slot was used, so that the next one begins with free slots', async () => {
  const { alice, bob } = pair()
  bob.multiplexer.offer([OPS])
  for (let slot = 1; slot <= ROOMS_MAX; slot++) {
    alice.multiplexer.offer([OPS])
    alice.multiplexer.withdraw(OPS)
  }
  assert.ok(!alice.connection.destroyed)
  alice.multiplexer.offer([OPS])
  assert.ok(alice.connection.destroyed)
})

test('a channel that breaks is reported, and does not affect the others', async () => {
  const { alice, bob } = pair()
  alice.multiplexer.offer([OPS, DEV])
  bob.multiplexer.offer([OPS, DEV])
  await turn()
  const broken: string[] = []
  alice.multiplexer.on('channel-broken', name => broken.push(name))
  alice.multiplexer.channelOf(OPS)?.destroy(new Error('broken'))
  await turn()
  assert.deepEqual(broken, [Buffer.from(OPS).toString('hex')])
  alice.multiplexer.withdraw(OPS)
  await turn()
  assert.ok(bob.multiplexer.channelOf(OPS) === undefined)
  assert.deepEqual([alice.connection.destroyed, bob.connection.destroyed], [false, false])
  const heard: Buffer[] = []
  bob.multiplexer.channelOf(DEV)?.on('data', (bytes: Buffer) => heard.push(bytes))
  alice.multiplexer.channelOf(DEV)?.write(frame(Buffer.from('goes on')))
  await turn()
  assert.deepEqual(Buffer.concat(heard), frame(Buffer.from('goes on')))
})

const strange: readonly (readonly [string, Violation, Uint8Array])[] = [
  ['a frame without a channel', 'malformed-channel-frame', frame(Buffer.from([0]))],
  ['a slot beyond all', 'malformed-channel-frame', frame(Buffer.from([0xff, 0x7f, 1, 2]))],
  ['a frame that is too long', 'frame-too-long', Buffer.from([0xff, 0xff, 0xff, 0x7f])],
  ['half a tag', 'malformed-rooms', onChannel(0, Buffer.from([1, 2, 3]))],
  ['too many rooms', 'malformed-rooms', onChannel(0, Buffer.alloc(1 + 16 * (ROOMS_MAX + 1), 1))],
  ['an acknowledgement of what was never sent', 'malformed-acknowledgement', onChannel(1, Buffer.from([16, 5]))],
  ['an acknowledgement of nothing', 'malformed-acknowledgement', onChannel(1, Buffer.from([16]))],
]

for (const [what, violation, bytes] of strange) {
  test(`rejects ${what}`, async () => {
    const alice = side('dialler')
    alice.multiplexer.offer([OPS])
    alice.connection.push(roomsFrame([OPS], HASH, 'listener'))
    await turn()
    assert.deepEqual(alice.opened, ['01'])
    alice.connection.push(bytes)
    await turn()
    assert.deepEqual(alice.violations.slice(0, 1), [violation])
  })
}

test('names further rooms only to a peer with a room in common', async () => {
  const tags = Buffer.alloc(1 + 16 * (STRANGER_ROOMS_MAX + 8), 1)
  const stranger = side('dialler')
  stranger.multiplexer.offer([OPS])
  stranger.connection.push(onChannel(0, tags))
  const known = side('dialler')
  known.multiplexer.offer([OPS])
  known.connection.push(roomsFrame([OPS], HASH, 'listener'))
  known.connection.push(onChannel(0, tags))
  await turn()
  assert.deepEqual([stranger.violations, known.violations], [['malformed-rooms'], []])
})

test('rejects more than the window of a room that nobody reads', async () => {
  const alice = side('dialler')
  alice.multiplexer.offer([OPS])
  alice.connection.push(roomsFrame([OPS], HASH, 'listener'))
  await turn()
  const bytes = onChannel(1, Buffer.alloc(60_000, 2))
  for (let i = 0; i < 40 && alice.violations.length === 0; i++) {
    alice.connection.push(bytes)
    await turn()
  }
  assert.equal(alice.violations[0], 'window-exceeded')
})

test('drops frames of channels that it does not have', async () => {
  const alice = side('dialler')
  alice.multiplexer.offer([OPS])
  alice.connection.push(roomsFrame([DEV], HASH, 'listener'))
  alice.connection.push(onChannel(1, Buffer.from('for another room')))
  await turn()
  assert.deepEqual([alice.opened, alice.violations], [[], []])
})

test('answers pings that arrive together once', async () => {
  const { alice, bob } = pair()
  alice.multiplexer.offer([OPS])
  bob.multiplexer.offer([OPS])
  let pongs = 0
  alice.multiplexer.on('pong', () => pongs++).ping()
  await turn()
  assert.equal(pongs, 1)
  const before = bob.connection.sent.length
  bob.connection.push(Buffer.concat(Array.from({ length: 1_000 }, () => frame(Uint8Array.of(0, PING)))))
  await turn()
  assert.equal(pongs, 2)
  assert.ok(bob.connection.sent.length - before <= 3)
  assert.deepEqual([alice.violations, bob.violations], [[], []])
})

test('does not answer the pings of a side that does not read', async () => {
  const { connection, multiplexer } = side('listener')
  multiplexer.offer([OPS])
  connection.push(frame(Uint8Array.of(0, PING)))
  await turn()
  const answered = connection.sent.length
  connection.cork()
  connection.write(Buffer.alloc(connection.writableHighWaterMark))
  connection.push(frame(Uint8Array.of(0, PING)))
  await turn()
  connection.uncork()
  assert.equal(connection.sent.length, answered + 1, 'the bytes of this test alone')
})
