import assert from 'node:assert/strict'
import test from 'node:test'
import v8 from 'node:v8'
import vm from 'node:vm'
import { varint } from '../../src/base/wire/bytes.js'
import { FRAME_BYTES_MAX, FrameReader, frame } from '../../src/base/wire/frames.js'

const MORE = { kind: 'more' } as const

v8.setFlagsFromString('--expose-gc')
const collectGarbage = vm.runInNewContext('gc') as () => void

/** Heap and buffers in use after garbage collection. A second collection is needed: buffers are freed concurrently with the first. */
function usedBytes(): number {
  collectGarbage()
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

test('reads a frame of the maximum size and rejects a longer one before its body arrives', () => {
  const reader = new FrameReader(FRAME_BYTES_MAX)
  reader.push(frame(Buffer.alloc(FRAME_BYTES_MAX, 7)))
  const read = reader.next()
  assert.equal(read.kind === 'frame' && read.body.length, FRAME_BYTES_MAX)

  reader.push(varint(FRAME_BYTES_MAX + 1))
  assert.equal(reader.next().kind, 'bad')
})

test('rejects a length prefix of 5 GiB without allocating it', () => {
  const reader = new FrameReader(FRAME_BYTES_MAX)
  const before = process.memoryUsage().arrayBuffers
  reader.push(varint(5 * 1024 ** 3))
  assert.equal(reader.next().kind, 'bad')
  assert.ok(process.memoryUsage().arrayBuffers - before < 1024 ** 2)
})

test('rejects a prefix that is too large before it is complete', () => {
  const reader = new FrameReader(FRAME_BYTES_MAX)
  reader.push(varint(2 ** 35 - 1).subarray(0, 4))
  assert.equal(reader.next().kind, 'bad')
})

test('rejects an endless prefix', () => {
  const reader = new FrameReader(FRAME_BYTES_MAX)
  reader.push(Buffer.alloc(10, 0x80))
  assert.equal(reader.next().kind, 'bad')
})

test('skips frames of length zero, which are heartbeats', () => {
  const reader = new FrameReader(16)
  reader.push(Buffer.of(0, 0, 1, 0x61, 0, 0x80, 0x00, 1, 0x62, 0))
  assert.deepEqual(reader.next(), { kind: 'frame', body: Buffer.from('a') })
  assert.deepEqual(reader.next(), { kind: 'frame', body: Buffer.from('b') })
  assert.deepEqual(reader.next(), MORE)
  assert.equal(reader.isMidFrame, false)
})

test('reports an incomplete frame and returns its unread bytes', () => {
  const reader = new FrameReader(16)
  assert.equal(reader.isMidFrame, false)
  reader.push(Buffer.of(3, 0x61))
  assert.deepEqual(reader.next(), MORE)
  assert.equal(reader.isMidFrame, true)
  reader.push(Buffer.of(0x62))
  assert.deepEqual(Buffer.from(reader.rest()), Buffer.of(3, 0x61, 0x62))
  assert.equal(reader.isMidFrame, false)
  assert.deepEqual(reader.next(), MORE)
})

test('buffers a frame that arrives byte by byte in little more memory than its size', () => {
  const bytes = frame(Buffer.alloc(FRAME_BYTES_MAX, 7))
  const reader = new FrameReader(FRAME_BYTES_MAX)
  const before = usedBytes()
  // One buffer per byte, as a socket delivers them.
  for (const byte of bytes.subarray(0, -1)) {
    reader.push(Uint8Array.of(byte))
    assert.equal(reader.next().kind, 'more')
  }
  const buffered = usedBytes() - before
  assert.ok(buffered < 4 * FRAME_BYTES_MAX, `${buffered} bytes are buffered`)
  reader.push(bytes.subarray(-1))
  assert.equal(reader.next().kind, 'frame')
})
