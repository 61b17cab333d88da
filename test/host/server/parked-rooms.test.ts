import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import test from 'node:test'
import { FRAME_BYTES_MAX, FrameReader, frame } from '../../../src/base/wire/frames.js'
import { jsonBody } from '../../../src/host/protocol/codec.js'
import { ParkedRooms } from '../../../src/host/server/parked-rooms.js'

const BOUND = { timeout: 30_000 }

/** A room whose only face sends these calls. */
async function parkedWith(...calls: readonly object[]) {
  const socket = new PassThrough()
  const rooms = new ParkedRooms(() => {})
  rooms.add('ops', [{ socket, reader: new FrameReader(FRAME_BYTES_MAX) }])
  for (const call of calls) socket.write(frame(jsonBody({ ...call })))
  await new Promise(setImmediate)
  return { rooms, socket }
}

test('a room stays closed when its face pings the node, and wakes for everything else', BOUND, async () => {
  const ping = { do: 'ping', id: 1 }
  assert.equal((await parkedWith(ping, ping)).socket.destroyed, false)
  for (const call of [
    { do: 'look', isLooking: true },
    { do: 'ping', id: 2, isForState: true },
  ]) {
    const { rooms, socket } = await parkedWith(ping, call)
    assert.deepEqual([socket.destroyed, rooms.has('ops')], [true, false])
  }
})

test('a room wakes for bytes that are no frame', BOUND, async () => {
  const { socket } = await parkedWith()
  socket.write(Buffer.alloc(10, 0xff))
  await once(socket, 'close')
})
