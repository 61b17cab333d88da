import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { ByteReader } from '../../src/base/wire/byte-reader.js'
import { ByteWriter } from '../../src/base/wire/byte-writer.js'
import { frame } from '../../src/base/wire/frames.js'

type NumberKind = 'u8' | 'u16' | 'u32' | 'varint'
type Value =
  | { readonly kind: NumberKind; readonly value: number }
  | { readonly kind: 'bytes' | 'sized'; readonly value: Uint8Array }
  | { readonly kind: 'text'; readonly value: string }

const numbers = (kind: NumberKind, max: number): fc.Arbitrary<Value> =>
  fc.oneof(fc.constantFrom(0, 1, 127, 128, max - 1, max), fc.integer({ min: 0, max })).map(
    (value): Value => ({
      kind,
      value: Math.min(value, max),
    }),
  )

const value: fc.Arbitrary<Value> = fc.oneof(
  numbers('u8', 0xff),
  numbers('u16', 0xffff),
  numbers('u32', 0xffff_ffff),
  numbers('varint', Number.MAX_SAFE_INTEGER),
  fc.uint8Array({ maxLength: 200 }).map((value): Value => ({ kind: 'bytes', value })),
  fc.uint8Array({ maxLength: 200 }).map((value): Value => ({ kind: 'sized', value })),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((value): Value => ({ kind: 'text', value })),
)

function write(values: readonly Value[]): ByteWriter {
  const writer = new ByteWriter()
  for (const { kind, value } of values) {
    if (typeof value === 'string') writer.text(value)
    else if (typeof value === 'number') writer[kind as NumberKind](value)
    else if (kind === 'bytes') writer.bytes(value)
    else writer.sized(value)
  }
  return writer
}

function readLike(reader: ByteReader, like: Value): unknown {
  switch (like.kind) {
    case 'text':
      return reader.text(Buffer.byteLength(like.value))
    case 'bytes':
      return [...reader.bytes(like.value.length)]
    case 'sized':
      return [...reader.sized(200)]
    case 'varint':
      return reader.varint()
    default:
      return reader[like.kind]()
  }
}

const plain = ({ value }: Value): unknown => (value instanceof Uint8Array ? [...value] : value)

test('round-trips values', () => {
  fc.assert(
    fc.property(fc.array(value), values => {
      const reader = new ByteReader(write(values).finish())
      assert.deepEqual(reader.end(values.map(each => readLike(reader, each))), values.map(plain))
    }),
  )
})

test('frames a message as `frame` does', () => {
  const writer = new ByteWriter().u8(7).sized(Buffer.alloc(300, 1))
  assert.deepEqual(writer.frame(), frame(writer.finish()))
})

test('becomes bad at the first incomplete value and stays bad', () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 8 }), fc.nat(), (values, cut) => {
      const whole = write(values).finish()
      fc.pre(whole.length > 0)
      const reader = new ByteReader(whole.subarray(0, cut % whole.length))
      for (const each of values) readLike(reader, each)
      assert.equal(reader.isBad, true)
      assert.equal(reader.remaining, 0)
      assert.equal(reader.end('whole'), undefined)
      assert.deepEqual([reader.u8(), reader.u16(), reader.u32(), reader.varint(), reader.text(1)], [0, 0, 0, 0, ''])
      assert.equal(reader.rest().length, 0)
    }),
  )
})

test('never throws on random bytes, and returns views within them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(value), (bytes, values) => {
      const reader = new ByteReader(bytes)
      for (const each of values) readLike(reader, each)
      const rest = reader.rest()
      assert.ok(rest.length === 0 || rest.buffer === bytes.buffer)
    }),
    { numRuns: 2_000 },
  )
})

test('rejects bytes left over, values over the maximum and ill-formed text', () => {
  const leftOver = new ByteReader(Buffer.of(1, 2))
  assert.equal(leftOver.end(leftOver.u8()), undefined)
  assert.equal(leftOver.isBad, false)

  const tooLarge = new ByteReader(Buffer.of(101))
  assert.equal(tooLarge.varint(100), 0)
  assert.equal(tooLarge.isBad, true)

  const tooLong = new ByteReader(Buffer.of(3, 1, 2, 3))
  assert.equal(tooLong.sized(2).length, 0)
  assert.equal(tooLong.isBad, true)

  const illFormed = new ByteReader(Buffer.of(0xff))
  assert.equal(illFormed.text(1), '')
  assert.equal(illFormed.isBad, true)
})

test('rejects a length prefix of 5 GiB without allocating it', () => {
  const before = process.memoryUsage().arrayBuffers
  const reader = new ByteReader(new ByteWriter().varint(5 * 1024 ** 3).finish())
  assert.equal(reader.sized(Number.MAX_SAFE_INTEGER).length, 0)
  assert.equal(reader.isBad, true)
  assert.ok(process.memoryUsage().arrayBuffers - before < 1024 ** 2)
})
