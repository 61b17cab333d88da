import assert from 'node:assert/strict'
import test from 'node:test'
import { NoiseHandshake } from '../../src/base/crypto/noise.js'
import { concat } from '../../src/base/wire/bytes.js'
import { frame } from '../../src/base/wire/frames.js'
import { encodeAuth, encodeHello, prologueOf, type Role } from '../../src/net/handshake/hello.js'
import { RecordSealer } from '../../src/net/sealed/records.js'
import { flippedHandshake, HANDSHAKE_BITS } from '../helper/flipped-handshake.js'
import { type End, exchange, helloOf, keysOf, nativeEnd, ROOM, remoteOf, through } from '../helper/handshake-world.js'

const ALICE = 'alice.local:1001'
const BOB = 'bob.local:1002'
const address = (text: string): Uint8Array => frame(Buffer.from(text))

test('a side that receives a handshake with any bit changed never completes it', () => {
  assert.deepEqual(flippedHandshake(0, undefined), ['native', 'native'], 'control')
  for (let bit = 0; bit < HANDSHAKE_BITS; bit += 11)
    assert.ok(!flippedHandshake(bit, bit).every(outcome => outcome === 'native'), `bit ${bit}`)
})

/** Plays bob's listener. `auth` returns his proof for the handshake hash. */
function bobsAnswer(alice: End, auth: (hash: Uint8Array) => Uint8Array): End['outcome'] {
  alice.start()
  alice.receive(address(BOB))
  const first = alice.receive(Uint8Array.of(0))
  const prologue = prologueOf(address(ALICE), address(BOB))
  const noise = new NoiseHandshake(false, prologue, Buffer.alloc(32, 5))
  noise.read(first.subarray(2))
  const second = noise.write()
  assert.ok(second && noise.keys)
  const sealer = new RecordSealer(noise.keys.sendKey, Buffer.alloc(24, 6))
  alice.receive(concat([frame(second), sealer.seal(auth(noise.keys.hash))]))
  return alice.outcome
}

const authOf = (peer: number, hash: Uint8Array, role: Role): Uint8Array =>
  encodeAuth(helloOf(peer), keysOf(peer), hash, role)

test('rejects a key that is not proven for this handshake and role', () => {
  const answer = (auth: (hash: Uint8Array) => Uint8Array) => bobsAnswer(nativeEnd('dialler', ALICE), auth)
  assert.deepEqual(
    answer(hash => authOf(2, hash, 'listener')),
    remoteOf(BOB, 2),
    'control',
  )
  const NO = 'unproven-key'
  const other = Buffer.alloc(64, 1)
  assert.equal(
    answer(hash => authOf(2, hash, 'dialler')),
    NO,
    'what bob proves where he dials',
  )
  assert.equal(
    answer(() => encodeAuth(helloOf(2), keysOf(2), other, 'listener')),
    NO,
    'what bob proved in another handshake',
  )
  assert.equal(
    answer(hash => encodeAuth(helloOf(2), keysOf(3), hash, 'listener')),
    NO,
    'signed with another key',
  )
  assert.equal(
    answer(hash => {
      const auth = authOf(2, hash, 'listener')
      const later = encodeHello(helloOf(2, { nowMs: 5 }))
      return concat([later, auth.subarray(-64)])
    }),
    NO,
    'another time than was signed',
  )
  for (const length of [0, 1, 63, 64, 65, 200]) {
    const outcome = answer(() => Buffer.alloc(length))
    assert.ok(outcome === 'malformed-handshake' || outcome === NO, `${length} bytes`)
  }
  assert.equal(
    answer(() => Buffer.alloc(500)),
    'altered',
    'a record that is too long',
  )
})

test('rejects a peer that echoes our bytes', () => {
  for (const role of ['dialler', 'listener'] as const) {
    const end = nativeEnd(role, ALICE)
    let said = role === 'dialler' ? end.start() : address(ALICE)
    for (let turn = 0; turn < 10 && said.length > 0; turn++) said = end.receive(said)
    assert.ok(typeof end.outcome !== 'object', String(end.outcome))
  }
})

test('rejects the bytes of an earlier handshake with the same peer', () => {
  const [a, b] = [nativeEnd('dialler', ALICE, { peer: 1 }), nativeEnd('listener', BOB, { peer: 2 })]
  const recorded: Uint8Array[] = []
  const kept = (bytes: Uint8Array): Uint8Array => {
    recorded.push(bytes)
    return bytes
  }
  exchange(a, through(b, kept))
  assert.deepEqual(a.outcome, remoteOf(BOB, 2), 'control')
  const later = nativeEnd('dialler', ALICE, { peer: 1, seed: 2 })
  later.start()
  for (const bytes of recorded) later.receive(bytes)
  assert.equal(later.outcome, 'altered')
})

test('rejects ephemeral keys of small order, and never throws', () => {
  for (const key of [Buffer.alloc(32), Buffer.from([1, ...Buffer.alloc(31)])]) {
    const bob = nativeEnd('listener', BOB)
    for (const bytes of [address(ALICE), Uint8Array.of(0), frame(Buffer.concat([Buffer.from([2]), key]))])
      bob.receive(bytes)
    assert.equal(bob.outcome, 'malformed-handshake')
    const alice = nativeEnd('dialler', ALICE)
    alice.start()
    for (const bytes of [address(BOB), Uint8Array.of(0), frame(Buffer.concat([key, Buffer.alloc(16)]))])
      alice.receive(bytes)
    assert.equal(alice.outcome, 'altered')
  }
})

test('a passive man in the middle learns no key, name or room', () => {
  const [a, b] = [nativeEnd('dialler', ALICE, { peer: 1 }), nativeEnd('listener', BOB, { peer: 2 })]
  const seen: Uint8Array[] = []
  const tap = (bytes: Uint8Array): Uint8Array => {
    seen.push(bytes)
    return bytes
  }
  exchange(through(a, tap), through(b, tap))
  assert.deepEqual([a.outcome, b.outcome], [remoteOf(BOB, 2), remoteOf(ALICE, 1)])
  const captured = Buffer.concat(seen)
  for (const secret of [keysOf(1).publicKey, keysOf(2).publicKey, ROOM, Buffer.alloc(16, 1), Buffer.alloc(16, 2)])
    assert.ok(!captured.includes(Buffer.from(secret)))
  assert.ok(captured.includes(ALICE), 'control: addresses are not sealed')
})
