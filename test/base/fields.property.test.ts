import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { concat, readVarint, varint } from '../../src/base/wire/bytes.js'
import { bytesField, type Field, readFields, varintField } from '../../src/base/wire/fields.js'

const number = fc.oneof(fc.constantFrom(1, 15, 16, 2_047, 2_048, 2 ** 29 - 1), fc.integer({ min: 1, max: 2 ** 29 - 1 }))
const whole = fc.oneof(
  fc.constantFrom(0, 1, 127, 128, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
)
const bytes = fc.oneof(
  fc.constantFrom(0, 1, 127, 128).map(length => Buffer.alloc(length, 1)),
  fc.uint8Array({ maxLength: 200 }),
)
const field: fc.Arbitrary<Field> = fc.oneof(
  fc.tuple(number, whole).map(([number, value]): Field => ({ number, kind: 'varint', value })),
  fc.tuple(number, bytes).map(([number, value]): Field => ({ number, kind: 'bytes', value })),
)

const encode = (field: Field): Uint8Array =>
  field.kind === 'varint' ? varintField(field.number, field.value) : bytesField(field.number, field.value)

const plain = (fields: readonly Field[] | undefined) =>
  fields?.map(field => (field.kind === 'bytes' ? { ...field, value: [...field.value] } : field))

test('round-trips varints', () => {
  fc.assert(
    fc.property(whole, value => {
      const bytes = varint(value)
      const expected = { kind: 'value', value, next: bytes.length }
      assert.deepEqual(readVarint(bytes, 0, Number.MAX_SAFE_INTEGER), expected)
    }),
  )
})

test('round-trips fields', () => {
  fc.assert(
    fc.property(fc.array(field), fields => {
      assert.deepEqual(plain(readFields(concat(fields.map(encode)))), plain(fields))
    }),
  )
})

test('never throws on random bytes, and returns views within them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      for (const field of readFields(bytes) ?? []) {
        assert.ok(field.number >= 1)
        if (field.kind === 'varint') assert.ok(Number.isSafeInteger(field.value))
        else assert.ok(field.value.buffer === bytes.buffer && field.value.length < bytes.length)
      }
    }),
    { numRuns: 20_000 },
  )
})

test('reads a truncated message as malformed or with fewer fields, never with different ones', () => {
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 5 }), fc.nat(), (fields, cut) => {
      const whole = concat(fields.map(encode))
      const read = readFields(whole.subarray(0, cut % whole.length))
      if (read !== undefined) assert.deepEqual(plain(read), plain(fields.slice(0, read.length)))
    }),
  )
})
