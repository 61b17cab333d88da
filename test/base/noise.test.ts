import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { NoiseHandshake } from '../../src/base/crypto/noise.js'
import { OpeningStream, SEAL_BYTES, SealingStream } from '../../src/base/crypto/secret-stream.js'
import { SeededRandom } from '../../src/base/seeded-random.js'
import { noiseNN, OracleRecords } from '../helper/sealed-oracle.js'
import { hex, unhex } from '../helper/signed-oracle.js'

interface NoiseVector {
  readonly init_prologue: string
  readonly init_ephemeral: string
  readonly resp_ephemeral: string
  readonly handshake_hash?: string
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[]
}

/** Public vectors, from the tests of the cacophony and snow libraries. */
const published: readonly NoiseVector[] = JSON.parse(readFileSync(path.resolve('test/vectors/noise.json'), 'utf8'))

function shake(prologue: Uint8Array, secrets: readonly Uint8Array[], payloads: readonly Uint8Array[]) {
  const [initiatorSecret = prologue, responderSecret = prologue] = secrets
  const initiator = new NoiseHandshake(true, prologue, initiatorSecret)
  const responder = new NoiseHandshake(false, prologue, responderSecret)
  const first = initiator.write(payloads[0])
  assert.ok(first)
  assert.deepEqual(responder.read(first), Buffer.from(payloads[0] ?? []))
  const second = responder.write(payloads[1])
  assert.ok(second)
  assert.deepEqual(initiator.read(second), Buffer.from(payloads[1] ?? []))
  assert.ok(initiator.keys && responder.keys)
  assert.deepEqual(initiator.keys.sendKey, responder.keys.receiveKey)
  assert.deepEqual(initiator.keys.receiveKey, responder.keys.sendKey)
  assert.deepEqual(initiator.keys.hash, responder.keys.hash)
  return { first, second, keys: initiator.keys }
}

test('makes the handshakes that are published as vectors', () => {
  assert.equal(published.length, 2)
  for (const vector of published) {
    const payloads = vector.messages.slice(0, 2).map(({ payload }) => unhex(payload))
    const secrets = [unhex(vector.init_ephemeral), unhex(vector.resp_ephemeral)]
    const { first, second, keys } = shake(unhex(vector.init_prologue), secrets, payloads)
    assert.deepEqual(
      [hex(first), hex(second)],
      vector.messages.slice(0, 2).map(({ ciphertext }) => ciphertext),
    )
    if (vector.handshake_hash !== undefined) assert.equal(hex(keys.hash), vector.handshake_hash)
  }
})

test('agrees with an independent implementation in every byte of 400 handshakes', () => {
  for (let seed = 0; seed < 400; seed++) {
    const random = new SeededRandom(seed)
    const prologue = random.bytes(random.whole(0, 100))
    const secrets = [random.bytes(32), random.bytes(32)] as const
    const payloads = [random.bytes(random.whole(0, 3)), random.bytes(random.whole(0, 200))] as const
    const { first, second, keys } = shake(prologue, secrets, payloads)
    const oracle = noiseNN(prologue, ...secrets, payloads)
    assert.deepEqual([hex(first), hex(second)], oracle.messages.map(hex))
    assert.deepEqual([hex(keys.sendKey), hex(keys.receiveKey)], oracle.keys.map(hex))
    assert.equal(hex(keys.hash), hex(oracle.hash))
  }
})

test('rejects keys of small order, which would make the shared secret public', () => {
  const one = Buffer.alloc(32)
  one[0] = 1
  const orderEight = Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', 'hex')
  for (const key of [Buffer.alloc(32), one, orderEight]) {
    const responder = new NoiseHandshake(false, Buffer.alloc(0), Buffer.alloc(32, 5))
    responder.read(key)
    assert.equal(responder.write(), undefined)
    const initiator = new NoiseHandshake(true, Buffer.alloc(0), Buffer.alloc(32, 5))
    initiator.write()
    assert.equal(initiator.read(Buffer.concat([key, Buffer.alloc(16)])), undefined)
    assert.equal(initiator.keys, undefined)
  }
})

test('rejects messages that are changed, cut or from another handshake', () => {
  const messageOf = (secret: number) => {
    const initiator = new NoiseHandshake(true, Buffer.alloc(0), Buffer.alloc(32, secret))
    const responder = new NoiseHandshake(false, Buffer.alloc(0), Buffer.alloc(32, 9))
    responder.read(initiator.write() ?? Buffer.alloc(0))
    return responder.write() ?? Buffer.alloc(0)
  }
  const read = (message: Uint8Array) => {
    const initiator = new NoiseHandshake(true, Buffer.alloc(0), Buffer.alloc(32, 1))
    initiator.write()
    return initiator.read(message)
  }
  const message = messageOf(1)
  assert.equal(read(message)?.length, 0, 'control')
  assert.equal(read(messageOf(2)), undefined, 'from another handshake')
  for (let length = 0; length < message.length; length++) assert.equal(read(message.subarray(0, length)), undefined)
  for (let bit = 0; bit < message.length * 8; bit += 7) {
    const changed = Buffer.from(message)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    // X25519 ignores the highest bit of a key, but the handshake hash covers it.
    assert.equal(read(changed), undefined, `bit ${bit}`)
  }
})

test('seals as an independent implementation does, and opens the messages of a stream in order only', () => {
  const random = new SeededRandom(7)
  const [key, header] = [random.bytes(32), random.bytes(24)]
  const sealing = new SealingStream(key, header)
  const oracle = new OracleRecords(key, header)
  const sealed = Array.from({ length: 40 }, (_, i) => {
    const text = random.bytes(i * 13)
    const bytes = Buffer.alloc(text.length + SEAL_BYTES)
    sealing.seal(bytes, text, i === 39)
    assert.equal(hex(oracle.record(text, i === 39)).slice(i === 0 ? 52 : 4), hex(bytes))
    return { text, bytes }
  })
  const opening = new OpeningStream(key, header)
  for (const [i, { text, bytes }] of sealed.entries()) {
    const open = (stream: OpeningStream, each: Buffer = bytes) => {
      const message = Buffer.alloc(Math.max(0, each.length - SEAL_BYTES))
      const opened = stream.open(each, message)
      return opened && { text: hex(message), isFinal: opened.isFinal }
    }
    assert.equal(open(new OpeningStream(key, header)) === undefined, i > 0, 'the first one only begins a stream')
    assert.equal(open(opening, sealed[i + 1]?.bytes ?? Buffer.alloc(3)), undefined, 'one is missing')
    assert.deepEqual(open(opening), { text: hex(text), isFinal: i === 39 })
    assert.equal(open(opening), undefined, 'repeated')
  }
})
