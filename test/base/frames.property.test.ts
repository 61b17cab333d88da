import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { concat, varint } from '../../src/base/wire/bytes.js'
import { FrameReader, frame } from '../../src/base/wire/frames.js'

const LIMIT = 300

/** Body sizes, including the limit and the longest body with a one-byte prefix. */
const size = fc.oneof(fc.constantFrom(0, 1, 127, 128, LIMIT - 1, LIMIT), fc.integer({ min: 0, max: LIMIT }))
const body = size.chain(length => fc.uint8Array({ minLength: length, maxLength: length }))

/** All bodies that a reader finds in `bytes`, pushed in chunks that begin at `cuts`. */
function read(bytes: Uint8Array, cuts: readonly number[]): { bodies: Buffer[]; isBad: boolean } {
  const reader = new FrameReader(LIMIT)
  const bodies: Buffer[] = []
  const places = [0, ...cuts.map(cut => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  for (let i = 1; i < places.length; i++) {
    reader.push(Uint8Array.from(bytes.subarray(places[i - 1], places[i])))
    for (;;) {
      const read = reader.next()
      if (read.kind === 'bad') return { bodies, isBad: true }
      if (read.kind === 'more') break
      bodies.push(Buffer.from(read.body))
    }
  }
  return { bodies, isBad: false }
}

test('reads the same frames from any chunking of a stream', () => {
  fc.assert(
    fc.property(fc.array(body, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 40 }), (bodies, cuts) => {
      const expected = bodies.filter(({ length }) => length > 0).map(bytes => Buffer.from(bytes))
      assert.deepEqual(read(concat(bodies.map(frame)), cuts), { bodies: expected, isBad: false })
    }),
    { numRuns: 1_000 },
  )
})

test('reads the same frames and the same end from any chunking of random bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.array(fc.nat(), { maxLength: 40 }), (bytes, cuts) => {
      assert.deepEqual(read(bytes, cuts), read(bytes, []))
    }),
    { numRuns: 1_000 },
  )
})

test('rejects a frame over the limit in any chunking, after reading the frames before it', () => {
  const tooLong = fc.oneof(fc.constantFrom(LIMIT + 1, 5 * 1024 ** 3), fc.integer({ min: LIMIT + 1, max: 2 ** 53 - 1 }))
  fc.assert(
    fc.property(fc.array(body, { maxLength: 3 }), tooLong, fc.array(fc.nat()), (bodies, length, cuts) => {
      const expected = bodies.filter(({ length }) => length > 0).map(bytes => Buffer.from(bytes))
      const bytes = concat([...bodies.map(frame), varint(length), Buffer.alloc(20)])
      assert.deepEqual(read(bytes, cuts), { bodies: expected, isBad: true })
    }),
    { numRuns: 1_000 },
  )
})
