import assert from 'node:assert/strict'
import test from 'node:test'
import { frame } from '../../src/base/wire/frames.js'
import { exchange, nativeEnd, receive, remoteOf, SCUTTLEUP_HANDSHAKE, scuttleupEnd } from '../helper/handshake-world.js'
import { ScuttleupTopology } from '../helper/scuttleup-topology.js'

const ALICE = 'alice.local:1001'
const BOB = 'bob.local:1002'
const CAROL = 'carol.local:1003'
const EMPTY = Buffer.alloc(0)
const EMPTY_FRAME = Buffer.from([0])

const address = (text: string): Uint8Array => frame(Buffer.from(text))
const original = (text: string) => ({ kind: 'scuttleup', address: text })

for (const [dialler, listener, why] of [
  [ALICE, BOB, 'the lower address dials'],
  [BOB, ALICE, 'the higher address dials'],
  [ALICE, ALICE, 'both have the same address'],
] as const) {
  test(`native peers recognise each other when ${why}, and lose nothing`, () => {
    const a = nativeEnd('dialler', dialler, { peer: 1, says: Buffer.from('from the dialler') })
    const b = nativeEnd('listener', listener, { peer: 2, says: Buffer.from('from the listener') })
    exchange(a, b)
    assert.deepEqual(a.outcome, remoteOf(listener, 2))
    assert.deepEqual(b.outcome, remoteOf(dialler, 1))
    assert.equal(String(a.rest), 'from the listener')
    assert.equal(String(b.rest), 'from the dialler')
  })
}

for (const [me, other] of [
  [ALICE, BOB],
  [BOB, ALICE],
] as const) {
  test(`${me} dials a scuttleup peer at ${other}: its first frame arrives whole`, () => {
    const end = nativeEnd('dialler', me, { says: SCUTTLEUP_HANDSHAKE })
    const peer = new ScuttleupTopology(other)
    exchange(end, scuttleupEnd(peer))
    assert.deepEqual(end.outcome, original(other))
    assert.deepEqual(Buffer.from(end.rest), SCUTTLEUP_HANDSHAKE)
    assert.ok(peer.isReady)
    assert.deepEqual(
      Buffer.from(peer.rest),
      Buffer.concat([EMPTY_FRAME, SCUTTLEUP_HANDSHAKE]),
      'an empty frame, then ours',
    )
  })

  test(`a scuttleup peer, ${other}, dials ${me} by that name: its first frame arrives whole`, () => {
    const end = nativeEnd('listener', me, { says: SCUTTLEUP_HANDSHAKE })
    const peer = new ScuttleupTopology(other, me)
    exchange(end, scuttleupEnd(peer))
    assert.deepEqual(end.outcome, original(other))
    assert.deepEqual(Buffer.from(end.rest), SCUTTLEUP_HANDSHAKE)
    assert.deepEqual(Buffer.from(peer.rest), SCUTTLEUP_HANDSHAKE)
  })
}

test('a listener that waits for a repeated address accepts the next step instead', () => {
  const end = nativeEnd('listener', ALICE)
  const peer = new ScuttleupTopology(BOB, CAROL) // lower than the name that it uses for us: it sends its address once
  exchange(end, scuttleupEnd(peer))
  assert.deepEqual(end.outcome, original(BOB))
  assert.deepEqual(Buffer.from(end.rest), SCUTTLEUP_HANDSHAKE)
})

test('repeats its address to a scuttleup peer that knows it by a lower name', () => {
  const end = nativeEnd('listener', CAROL, { says: SCUTTLEUP_HANDSHAKE })
  const peer = new ScuttleupTopology(BOB, ALICE)
  exchange(end, scuttleupEnd(peer))
  assert.deepEqual(end.outcome, original(BOB))
  assert.deepEqual(Buffer.from(end.rest), SCUTTLEUP_HANDSHAKE)
  assert.deepEqual(Buffer.from(peer.rest), SCUTTLEUP_HANDSHAKE)
})

test('repeats its address once only', () => {
  const end = nativeEnd('listener', BOB, { says: SCUTTLEUP_HANDSHAKE })
  const peer = new ScuttleupTopology(BOB, ALICE)
  exchange(end, scuttleupEnd(peer))
  assert.deepEqual(end.outcome, original(BOB))
  assert.deepEqual(Buffer.from(peer.rest), SCUTTLEUP_HANDSHAKE)
})

test('control: two scuttleup peers that know each other by other names lose each other’s first frame', () => {
  const listener = new ScuttleupTopology(CAROL)
  const dialler = new ScuttleupTopology(BOB, ALICE)
  const [a, b] = [scuttleupEnd(dialler), scuttleupEnd(listener)]
  exchange(a, b)
  assert.ok(dialler.isReady && listener.isReady)
  assert.notDeepEqual(Buffer.from(dialler.rest), SCUTTLEUP_HANDSHAKE)
})

test('a listener identifies itself after the dialler only', () => {
  assert.deepEqual(Buffer.from(receive(nativeEnd('listener', BOB), [address(ALICE)]).written), address(BOB))
})

test('a dialler identifies itself as native by an empty frame', () => {
  const { written } = receive(nativeEnd('dialler', ALICE), [address(BOB)])
  assert.deepEqual(Buffer.from(written), Buffer.concat([address(ALICE), EMPTY_FRAME]))
})

const GARBAGE: readonly (readonly [string, Uint8Array])[] = [
  ['a length of 5 GiB', Buffer.from([0x80, 0x80, 0x80, 0x80, 0x14])],
  ['a length that never ends', Buffer.alloc(64, 0x80)],
  ['an empty address', address('')],
  ['an empty address of two bytes', Buffer.from([0x80, 0x00])],
  ['an empty address, then another', Buffer.concat([EMPTY_FRAME, address(BOB)])],
  ['an address of 257 bytes', address('b'.repeat(257))],
  ['an address that is no UTF-8', frame(Buffer.from([0x62, 0xff]))],
]

for (const [what, bytes] of GARBAGE) {
  test(`both roles reject ${what} instead of an address`, () => {
    for (const role of ['dialler', 'listener'] as const) {
      const { outcome, written } = receive(nativeEnd(role, ALICE), [bytes])
      assert.equal(outcome, 'other-protocol')
      assert.ok(written.length < 100)
    }
  })
}

test('takes an HTTP request for a scuttleup peer at first', () => {
  const request = Buffer.from(`GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ${'a browser '.repeat(9)}\r\n\r\n`)
  const { outcome, written, rest } = receive(nativeEnd('listener', ALICE), [request])
  assert.deepEqual(outcome, original(request.subarray(1, 1 + 0x47).toString())) // G is a length of 71
  assert.deepEqual(Buffer.from(written), address(ALICE))
  assert.deepEqual(Buffer.from(rest), request.subarray(1 + 0x47))
})

test('accepts an address of 256 bytes', () => {
  const long = 'b'.repeat(256)
  assert.deepEqual(receive(nativeEnd('dialler', ALICE), [address(long), SCUTTLEUP_HANDSHAKE]).outcome, original(long))
})

test('has no outcome while the peer is silent', () => {
  assert.equal(receive(nativeEnd('listener', ALICE), [EMPTY]).outcome, undefined)
  assert.equal(receive(nativeEnd('dialler', ALICE), [EMPTY]).outcome, undefined)
  assert.equal(receive(nativeEnd('listener', ALICE), [address(BOB).subarray(0, 5)]).outcome, undefined)
})

test('rejects an empty frame instead of an address', () => {
  const end = nativeEnd('listener', ALICE)
  end.start()
  end.receive(Buffer.from([0x80, 0x00]))
  assert.equal(end.outcome, 'other-protocol')
})

test('rejects malformed key exchanges', () => {
  const N2 = [
    frame(Buffer.alloc(47)),
    frame(Buffer.alloc(49)),
    Buffer.from([0]),
    Buffer.from([0x80, 0]),
    frame(Buffer.alloc(257)),
  ]
  for (const bad of N2) {
    const { outcome } = receive(nativeEnd('dialler', ALICE), [address(BOB), EMPTY_FRAME, bad])
    assert.equal(outcome, 'malformed-handshake')
  }
  const N1 = [...N2, frame(Buffer.concat([Buffer.from([3]), Buffer.alloc(32, 7)])), frame(Buffer.alloc(34, 2))]
  for (const bad of N1) {
    const { outcome } = receive(nativeEnd('listener', BOB), [address(ALICE), EMPTY_FRAME, bad])
    assert.equal(outcome, 'malformed-handshake')
  }
})

test('a dialler sends its key only after the other side has shown that it is native', () => {
  const end = nativeEnd('dialler', ALICE)
  end.start()
  assert.deepEqual(Buffer.from(end.receive(address(BOB))), EMPTY_FRAME)
  assert.equal(end.receive(EMPTY_FRAME)[0], 33)
})

test('ends with older-version for a peer of version 1, whichever side dialled', () => {
  const hello = frame(Buffer.concat([Buffer.from([0x08, 1, 0x12, 32]), Buffer.alloc(130)]))
  const dialled = receive(nativeEnd('dialler', ALICE), [address(BOB), Buffer.concat([EMPTY_FRAME, hello])])
  assert.equal(dialled.outcome, 'older-version')
  const inbound = receive(nativeEnd('listener', BOB), [address(ALICE), EMPTY_FRAME, hello])
  assert.equal(inbound.outcome, 'older-version')
  assert.deepEqual(Buffer.from(inbound.written), Buffer.concat([address(BOB), EMPTY_FRAME]), 'it learns nothing more')
})

test('accepts scuttleup peers unless the policy refuses their address', () => {
  const asked: string[] = []
  const refusesPlain = (claimed: string) => {
    asked.push(claimed)
    return 'encrypted-only' as const
  }
  const end = nativeEnd('dialler', ALICE, { refusesPlain })
  exchange(end, scuttleupEnd(new ScuttleupTopology(BOB)))
  assert.equal(end.outcome, 'encrypted-only')
  assert.deepEqual(asked, [BOB])
  const native = nativeEnd('dialler', ALICE, { refusesPlain })
  exchange(native, nativeEnd('listener', BOB, { peer: 2 }))
  assert.deepEqual(native.outcome, remoteOf(BOB, 2), 'native peers are not asked about')
})

test('each side learns how far the other clock is ahead', () => {
  const a = nativeEnd('dialler', ALICE, { peer: 1, hello: { nowMs: 1_000 } })
  const b = nativeEnd('listener', BOB, { peer: 2, hello: { nowMs: 61_000 } })
  exchange(a, b)
  assert.deepEqual(a.outcome, { ...remoteOf(BOB, 2), aheadMs: 60_000 })
  assert.deepEqual(b.outcome, { ...remoteOf(ALICE, 1), aheadMs: -60_000 })
})

test('accepts the addresses __proto__ and constructor', () => {
  const before = Object.getOwnPropertyNames(Object.prototype)
  for (const name of ['__proto__', 'constructor', 'toString']) {
    assert.deepEqual(
      receive(nativeEnd('listener', ALICE), [address(name), address(name), SCUTTLEUP_HANDSHAKE]).outcome,
      original(name),
    )
  }
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before)
  assert.equal(Reflect.get({}, 'id'), undefined)
})
