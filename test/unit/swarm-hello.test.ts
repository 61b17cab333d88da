import assert from 'node:assert/strict'
import test from 'node:test'
import { bytesField, textField, varintField } from '../../src/base/protobuf.js'
import { decodeHello, encodeHello } from '../../src/swarm/hello.js'

const room = Uint8Array.from({ length: 32 }, (_, i) => i)
const instance = Uint8Array.from({ length: 16 }, (_, i) => 255 - i)
const join = (...fields: readonly Uint8Array[]): Uint8Array => Buffer.concat(fields)
const valid = [varintField(1, 1), bytesField(2, room), bytesField(3, instance)] as const

test('a hello says what was put into it', () => {
  assert.deepEqual(decodeHello(encodeHello({ version: 1, room, instance })), { version: 1, room, instance })
  assert.deepEqual(decodeHello(encodeHello({ version: 200, room, instance }))?.version, 200)
})

test('fields that later versions add are passed over, in any order', () => {
  const hello = join(
    textField(99, 'later'),
    ...valid.toReversed(),
    varintField(98, 7),
    Buffer.from([0x39, 1, 2, 3, 4, 5, 6, 7, 8]), // field 7, fixed64
    Buffer.from([0x45, 1, 2, 3, 4]), // field 8, fixed32
  )
  assert.deepEqual(decodeHello(hello), { version: 1, room, instance })
})

test('a room or an instance of another length is refused, as is one that is missing', () => {
  const [version, roomField, instanceField] = valid
  for (const length of [0, 1, 31, 33])
    assert.equal(decodeHello(join(version, bytesField(2, Buffer.alloc(length)), instanceField)), undefined)
  for (const length of [0, 1, 15, 17])
    assert.equal(decodeHello(join(version, roomField, bytesField(3, Buffer.alloc(length)))), undefined)
  assert.equal(decodeHello(join(roomField, instanceField)), undefined)
  assert.equal(decodeHello(join(version, instanceField)), undefined)
  assert.equal(decodeHello(join(version, roomField)), undefined)
  assert.equal(decodeHello(join(varintField(1, 0), roomField, instanceField)), undefined)
})

test('a field of the wrong kind, a cut and an empty hello are refused', () => {
  const [, roomField, instanceField] = valid
  assert.equal(decodeHello(join(textField(1, '1'), roomField, instanceField)), undefined)
  const whole = join(...valid)
  for (let length = 0; length < whole.length; length++) {
    assert.equal(decodeHello(whole.subarray(0, length)), undefined, `${length} bytes`)
  }
})

test('what a hello says outlives the bytes that it was read from', () => {
  const bytes = encodeHello({ version: 1, room, instance })
  const hello = decodeHello(bytes)
  bytes.fill(0)
  assert.deepEqual(hello, { version: 1, room, instance })
})
