import assert from 'node:assert/strict'
import test from 'node:test'
import { bytesField, textField, varintField } from '../../src/base/wire/fields.js'
import { decodeHello, encodeHello } from '../../src/net/handshake/hello.js'

const instance = Uint8Array.from({ length: 16 }, (_, i) => 255 - i)
const key = Uint8Array.from({ length: 32 }, (_, i) => 100 + i)
const hello = { version: 2, instance, key, nowMs: 1_800_000_000_000 }

const join = (...fields: readonly Uint8Array[]): Uint8Array => Buffer.concat(fields)
/** The fields of `hello`, in order, with those in `others` instead. */
const fields = (others: Readonly<Record<number, Uint8Array | undefined>> = {}): Uint8Array[] =>
  (
    [
      [1, varintField(1, 2)],
      [3, bytesField(3, instance)],
      [4, bytesField(4, key)],
      [7, varintField(7, 1_800_000_000_000)],
    ] as const
  ).flatMap(([number, field]) => (number in others ? (others[number] ?? []) : field))

test('decodes a hello as it was encoded', () => {
  assert.deepEqual(decodeHello(encodeHello(hello)), hello)
  assert.deepEqual(Buffer.from(encodeHello(hello)), join(...fields()))
  assert.deepEqual(decodeHello(encodeHello({ ...hello, version: 200 })), { ...hello, version: 200 })
})

test('encodes times before 1970 and fractions as the nearest representable ones', () => {
  assert.deepEqual(decodeHello(encodeHello({ ...hello, nowMs: -5 })), { ...hello, nowMs: 0 })
})

test('skips unknown fields, in any order', () => {
  const later = join(
    textField(99, 'later'),
    ...fields().toReversed(),
    varintField(98, 7),
    Buffer.from([0x79, 1, 2, 3, 4, 5, 6, 7, 8]), // field 15, fixed64
    Buffer.from([0x75, 1, 2, 3, 4]), // field 14, fixed32
  )
  assert.deepEqual(decodeHello(later), hello)
})

test('rejects fields of another length or kind, and missing ones', () => {
  for (const [number, length] of [
    [3, 16],
    [4, 32],
  ] as const) {
    for (const other of [0, 1, length - 1, length + 1]) {
      assert.equal(decodeHello(join(...fields({ [number]: bytesField(number, Buffer.alloc(other)) }))), undefined)
    }
    assert.equal(decodeHello(join(...fields({ [number]: varintField(number, 1) }))), undefined)
  }
  for (const number of [1, 7]) {
    assert.equal(decodeHello(join(...fields({ [number]: textField(number, '1') }))), undefined)
  }
  for (const number of [1, 3, 4, 7]) assert.equal(decodeHello(join(...fields({ [number]: undefined }))), undefined)
  assert.equal(decodeHello(join(...fields({ 1: varintField(1, 1) }))), undefined, 'version 1')
})

test('rejects a truncated hello', () => {
  const whole = join(...fields())
  for (let length = 0; length < whole.length; length++) {
    assert.equal(decodeHello(whole.subarray(0, length)), undefined, `${length} bytes`)
  }
})

test('copies what it decodes', () => {
  const bytes = encodeHello(hello)
  const read = decodeHello(bytes)
  bytes.fill(0)
  assert.deepEqual(read, hello)
})
