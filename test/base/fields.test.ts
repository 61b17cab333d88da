import assert from 'node:assert/strict'
import test from 'node:test'
import { readFields, textField, varintField } from '../../src/base/wire/fields.js'

test('encodes the examples of the Protocol Buffers specification', () => {
  // https://protobuf.dev/programming-guides/encoding/
  assert.deepEqual([...varintField(1, 150)], [0x08, 0x96, 0x01])
  assert.deepEqual([...textField(2, 'testing')], [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67])
})

test('skips fields of fixed width', () => {
  const fixed64 = [0x09, 1, 2, 3, 4, 5, 6, 7, 8]
  const fixed32 = [0x15, 1, 2, 3, 4]
  assert.deepEqual(readFields(Buffer.from([...fixed64, ...fixed32, 0x18, 0x05])), [
    { number: 3, kind: 'varint', value: 5 },
  ])
})

test('rejects malformed messages', () => {
  const table: [string, number[]][] = [
    ['field number 0', [0x00, 0x01]],
    ['a group', [0x0b]],
    ['the end of a group', [0x0c]],
    ['wire type 6', [0x0e]],
    ['wire type 7', [0x0f]],
    ['a tag without a value', [0x08]],
    ['a tag of over 32 bits', [0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00]],
    ['a varint of eleven bytes', [0x08, ...Array<number>(10).fill(0x80), 0x00]],
    ['a length beyond the end', [0x0a, 0x02, 0x61]],
    ['a length of 5 GiB', [0x0a, 0x80, 0x80, 0x80, 0x80, 0x14, 0x61]],
    ['a fixed width beyond the end', [0x0d, 1, 2, 3]],
  ]
  for (const [what, bytes] of table) assert.equal(readFields(Buffer.from(bytes)), undefined, what)
})

test('reads an empty message as having no fields', () => {
  assert.deepEqual(readFields(Buffer.of()), [])
})
