import assert from 'node:assert/strict'
import test from 'node:test'
import { readVarint, sameBytes, textOf, utf8, varint } from '../../src/base/wire/bytes.js'

test('encodes varints as Protocol Buffers do', () => {
  const table: [number, number[]][] = [
    [0, [0x00]],
    [1, [0x01]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [300, [0xac, 0x02]],
    [16_383, [0xff, 0x7f]],
    [16_384, [0x80, 0x80, 0x01]],
    [0xffff_ffff, [0xff, 0xff, 0xff, 0xff, 0x0f]],
    [Number.MAX_SAFE_INTEGER, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ]
  for (const [value, bytes] of table) assert.deepEqual([...varint(value)], bytes, String(value))
})

test('reads a varint up to the maximum and rejects one above it', () => {
  for (const max of [1, 127, 128, 262_144, 0xffff_ffff, Number.MAX_SAFE_INTEGER - 1]) {
    for (const value of [0, 1, max - 1, max]) {
      const bytes = varint(value)
      assert.deepEqual(readVarint(bytes, 0, max), { kind: 'value', value, next: bytes.length })
    }
    assert.deepEqual(readVarint(varint(max + 1), 0, max), { kind: 'bad' })
  }
})

test('asks for more bytes of an incomplete varint unless it is already too large', () => {
  assert.deepEqual(readVarint(Buffer.of(), 0, 100), { kind: 'more' })
  assert.deepEqual(readVarint(Buffer.of(0xe4), 0, 100), { kind: 'more' })
  assert.deepEqual(readVarint(Buffer.of(0xe5), 0, 100), { kind: 'bad' })
})

test('rejects an endless varint at its tenth byte', () => {
  assert.deepEqual(readVarint(Buffer.alloc(9, 0x80), 0, 100), { kind: 'more' })
  assert.deepEqual(readVarint(Buffer.alloc(10, 0x80), 0, 100), { kind: 'bad' })
})

test('reads a varint at an offset', () => {
  assert.deepEqual(readVarint(Buffer.of(0xff, 0xac, 0x02, 0xff), 1, 1_000), { kind: 'value', value: 300, next: 3 })
})

test('rejects ill-formed UTF-8 and keeps a byte-order mark', () => {
  assert.equal(textOf(utf8('grüße 👋')), 'grüße 👋')
  assert.equal(textOf(utf8('\ufeffhello')), '\ufeffhello')
  for (const bytes of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    assert.equal(textOf(Buffer.from(bytes)), undefined, String(bytes))
  }
})

test('compares views of different buffers', () => {
  assert.ok(sameBytes(Buffer.from('xabc').subarray(1), new Uint8Array([0x61, 0x62, 0x63])))
  assert.ok(!sameBytes(Buffer.from('abc'), Buffer.from('abcd')))
})
