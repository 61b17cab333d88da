import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import test from 'node:test'
import { startHeartbeat } from '../../src/net/heartbeat.js'
import { HEARTBEAT_MS, SILENCE_MS_MAX } from '../../src/net/limits.js'
import type { RawConnection } from '../../src/net/peer-source.js'
import { RecordOpener, RecordSealer } from '../../src/net/sealed/records.js'
import { SealedConnection } from '../../src/net/sealed/sealed-connection.js'
import { remoteOf } from '../helper/handshake-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const OURS = remoteOf('bob.local:1002', 2)
const ORIGINAL = { kind: 'scuttleup', address: 'bob.local:1002' } as const

/** A connection whose input the test controls and whose output it records. */
class Wire extends Duplex implements RawConnection {
  readonly remoteAddress = '10.0.0.2'
  readonly written: Buffer[] = []
  bytesRead = 0

  constructor() {
    super({ allowHalfOpen: true })
    this.resume()
  }

  hear(bytes: Uint8Array): void {
    this.bytesRead += bytes.length
    this.push(bytes)
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(chunk)
    done()
  }
}

function watched(remote: typeof OURS | typeof ORIGINAL) {
  const clock = new VirtualClock()
  const wire = new Wire()
  const deaths: string[] = []
  startHeartbeat(wire, remote, clock, () => void deaths.push('silent'))
  return { clock, wire, deaths, heartbeats: () => Buffer.concat(wire.written).toString('hex') }
}

for (const [remote, who] of [
  [OURS, 'one of ours'],
  [ORIGINAL, 'an original'],
] as const) {
  test(`sends ${who} an empty frame every 10 s, and nothing else`, () => {
    const { clock, wire, heartbeats } = watched(remote)
    clock.advance(HEARTBEAT_MS - 1)
    assert.equal(heartbeats(), '')
    clock.advance(1)
    assert.equal(heartbeats(), '00')
    for (let beat = 2; beat <= 100; beat++) {
      wire.hear(Buffer.from([0]))
      clock.advance(HEARTBEAT_MS)
    }
    assert.equal(heartbeats(), '00'.repeat(100))
    assert.ok(!wire.destroyed)
  })
}

test('closes a native connection after 30 s of silence', () => {
  const { clock, wire, deaths } = watched(OURS)
  clock.advance(SILENCE_MS_MAX - 1)
  assert.deepEqual([deaths, wire.destroyed], [[], false])
  clock.advance(1)
  assert.deepEqual([deaths, wire.destroyed], [['silent'], true])
})

test('closes a native connection over which no whole record arrives for 30 s', async () => {
  const clock = new VirtualClock()
  const wire = new Wire()
  const [key, header] = [Buffer.alloc(32, 1), Buffer.alloc(24, 2)]
  const sealed = new SealedConnection(wire, { sealer: new RecordSealer(key, header), opener: new RecordOpener(key) })
  const deaths: string[] = []
  startHeartbeat(sealed.resume(), OURS, clock, reason => void deaths.push(reason))
  const theirs = new RecordSealer(key, header)
  /** The first bytes of a record arrive, one a second. */
  const hear = async (record: Uint8Array, bytes: number): Promise<void> => {
    for (const byte of record.subarray(0, bytes)) {
      wire.hear(Buffer.of(byte))
      clock.advance(1_000)
      await new Promise(setImmediate)
    }
  }
  wire.hear(theirs.seal(Buffer.from([0])))
  for (let beat = 0; beat < 5; beat++) {
    const record = theirs.seal(Buffer.from([0]))
    await hear(record, record.length)
  }
  assert.deepEqual(deaths, [], 'control: records in pieces')
  await hear(theirs.seal(Buffer.alloc(200)), SILENCE_MS_MAX / 1_000 + 1)
  assert.deepEqual([deaths, sealed.destroyed], [['silent'], true])
})

for (const lastHeardMs of [1, 499, 5_000, 9_999, 10_000, 14_001, 25_000]) {
  test(`closes a connection 30 s after the last byte, within a second, if that came at ${lastHeardMs} ms`, () => {
    const { clock, wire, deaths } = watched(OURS)
    clock.advance(lastHeardMs)
    wire.hear(Buffer.from([0]))
    clock.advance(SILENCE_MS_MAX - 1_000)
    assert.deepEqual(deaths, [])
    clock.advance(2_000)
    assert.deepEqual(deaths, ['silent'])
  })
}

test('keeps a scuttleup peer that is silent for a day', () => {
  const { clock, wire, deaths } = watched(ORIGINAL)
  clock.advance(24 * 60 * 60 * 1000)
  assert.deepEqual([deaths, wire.destroyed], [[], false])
})

test('a connection that is not read, because the disk is slow, is not silent', () => {
  const { clock, wire, deaths } = watched(OURS)
  wire.pause()
  clock.advance(10 * SILENCE_MS_MAX)
  assert.deepEqual(deaths, [])
  wire.resume()
  clock.advance(SILENCE_MS_MAX - 1_000)
  assert.deepEqual(deaths, [], 'silence begins when it is read again')
  clock.advance(1_000)
  assert.deepEqual(deaths, ['silent'])
})

test('closes a silent connection at the first check after hours of sleep', () => {
  const clock = new VirtualClock()
  const wire = new Wire()
  const deaths: string[] = []
  let asleepMs = 0
  const late = { now: () => clock.now() + asleepMs, after: clock.after.bind(clock) }
  startHeartbeat(wire, OURS, late, () => void deaths.push('silent'))
  asleepMs = 8 * 60 * 60 * 1000
  clock.advance(1_000)
  assert.deepEqual(deaths, ['silent'])
})

test('writes twice to a half-closed connection, so that a dead process is noticed', async () => {
  const { clock, wire, deaths, heartbeats } = watched(ORIGINAL)
  const ended = new Promise(resolve => wire.once('end', resolve))
  wire.push(null)
  await ended
  assert.equal(heartbeats(), '00')
  clock.advance(250)
  assert.equal(heartbeats(), '0000')
  clock.advance(10 * HEARTBEAT_MS)
  assert.equal(heartbeats(), '00'.repeat(12), 'and every 10 s from then on')
  assert.deepEqual(deaths, [])
})

test('closes a half-closed connection that stays silent', async () => {
  const { clock, wire, deaths } = watched(OURS)
  const ended = new Promise(resolve => wire.once('end', resolve))
  wire.push(null)
  await ended
  clock.advance(SILENCE_MS_MAX + HEARTBEAT_MS)
  assert.deepEqual(deaths, ['silent'])
})

test('writes nothing after our half has ended', async () => {
  const { clock, wire, heartbeats } = watched(OURS)
  await new Promise<void>(resolve => wire.end(resolve))
  clock.advance(2 * HEARTBEAT_MS)
  assert.equal(heartbeats(), '')
})

test('leaves no timer after a close', async () => {
  const { clock, wire } = watched(OURS)
  clock.advance(HEARTBEAT_MS)
  const closed = new Promise(resolve => wire.once('close', resolve))
  wire.destroy()
  await closed
  assert.equal(clock.timers, 0)
})

test('leaves no timer after closing a silent connection', () => {
  const { clock } = watched(OURS)
  clock.advance(SILENCE_MS_MAX)
  assert.equal(clock.timers, 0)
})
