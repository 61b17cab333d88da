import assert from 'node:assert/strict'
import test from 'node:test'
import { frame } from '../../src/base/frames.js'
import { encodeHello } from '../../src/swarm/hello.js'
import { connect, HANDSHAKE, hear, instance, originalEnd, ourEnd, ROOM } from '../helper/opening-world.js'
import { OriginalTopology } from '../helper/original-topology.js'

const ALICE = 'alice.local:1001'
const BOB = 'bob.local:1002'
const CAROL = 'carol.local:1003'
const EMPTY = Buffer.alloc(0)
const EMPTY_FRAME = Buffer.from([0])

const address = (text: string): Uint8Array => frame(Buffer.from(text))
const hello = (byte: number, room: Uint8Array = ROOM): Uint8Array =>
  frame(encodeHello({ version: 1, room, instance: instance(byte) }))
const original = (text: string) => ({ kind: 'original', address: text })
const ours = (text: string, byte: number) => ({ kind: 'ours', address: text, instance: `0${byte}`.repeat(16) })

for (const [dialler, listener, why] of [
  [ALICE, BOB, 'the lower address dials'],
  [BOB, ALICE, 'the higher address dials'],
  [ALICE, ALICE, 'both have the same address'],
] as const) {
  test(`two of ours know each other when ${why}, and nothing of what follows is lost`, () => {
    const a = ourEnd('dialler', dialler, { instanceByte: 1, says: Buffer.from('from the dialler') })
    const b = ourEnd('listener', listener, { instanceByte: 2, says: Buffer.from('from the listener') })
    connect(a, b)
    assert.deepEqual(a.outcome, ours(listener, 2))
    assert.deepEqual(b.outcome, ours(dialler, 1))
    assert.equal(String(a.rest), 'from the listener')
    assert.equal(String(b.rest), 'from the dialler')
  })
}

for (const [me, other] of [
  [ALICE, BOB],
  [BOB, ALICE],
] as const) {
  test(`${me} dials an original at ${other}: its first frame arrives whole`, () => {
    const end = ourEnd('dialler', me, { says: HANDSHAKE })
    const peer = new OriginalTopology(other)
    connect(end, originalEnd(peer))
    assert.deepEqual(end.outcome, original(other))
    assert.deepEqual(Buffer.from(end.rest), HANDSHAKE)
    assert.ok(peer.isReady)
    assert.deepEqual(Buffer.from(peer.rest), Buffer.concat([EMPTY_FRAME, HANDSHAKE]), 'an empty frame, then ours')
  })

  test(`an original, ${other}, dials ${me} by that name: its first frame arrives whole`, () => {
    const end = ourEnd('listener', me, { says: HANDSHAKE })
    const peer = new OriginalTopology(other, me)
    connect(end, originalEnd(peer))
    assert.deepEqual(end.outcome, original(other))
    assert.deepEqual(Buffer.from(end.rest), HANDSHAKE)
    assert.deepEqual(Buffer.from(peer.rest), HANDSHAKE)
  })
}

test('a listener that waits for the address again takes a message that differs for the next step', () => {
  const end = ourEnd('listener', ALICE)
  const peer = new OriginalTopology(BOB, CAROL) // lower than what it calls us: it sends its address once
  connect(end, originalEnd(peer))
  assert.deepEqual(end.outcome, original(BOB))
  assert.deepEqual(Buffer.from(end.rest), HANDSHAKE)
})

test('an original that calls us by a lower name than we say gets our address a second time', () => {
  const end = ourEnd('listener', CAROL, { says: HANDSHAKE })
  const peer = new OriginalTopology(BOB, ALICE)
  connect(end, originalEnd(peer))
  assert.deepEqual(end.outcome, original(BOB))
  assert.deepEqual(Buffer.from(end.rest), HANDSHAKE)
  assert.deepEqual(Buffer.from(peer.rest), HANDSHAKE)
})

test('an original that says our own address again is not told ours a second time', () => {
  const end = ourEnd('listener', BOB, { says: HANDSHAKE })
  const peer = new OriginalTopology(BOB, ALICE)
  connect(end, originalEnd(peer))
  assert.deepEqual(end.outcome, original(BOB))
  assert.deepEqual(Buffer.from(peer.rest), HANDSHAKE)
})

test('control: two originals that know each other by different names eat each other’s first frame', () => {
  const listener = new OriginalTopology(CAROL)
  const dialler = new OriginalTopology(BOB, ALICE)
  const [a, b] = [originalEnd(dialler), originalEnd(listener)]
  connect(a, b)
  assert.ok(dialler.isReady && listener.isReady)
  assert.notDeepEqual(Buffer.from(dialler.rest), HANDSHAKE)
})

test('a listener says nothing of who it is before the dialler has', () => {
  assert.deepEqual(Buffer.from(hear(ourEnd('listener', BOB), [address(ALICE)]).written), address(BOB))
})

test('a dialler shows at once that it is one of ours, by an empty frame', () => {
  const { written } = hear(ourEnd('dialler', ALICE), [address(BOB)])
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
  test(`${what} in the place of an address is refused by both roles`, () => {
    for (const role of ['dialler', 'listener'] as const) {
      const { outcome, written } = hear(ourEnd(role, ALICE), [bytes])
      assert.equal(outcome, 'it does not speak this protocol')
      assert.ok(written.length < 100)
    }
  })
}

test('an HTTP request is first taken for an original, whose session it then fails to be', () => {
  const request = Buffer.from(`GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ${'a browser '.repeat(9)}\r\n\r\n`)
  const { outcome, written, rest } = hear(ourEnd('listener', ALICE), [request])
  assert.deepEqual(outcome, original(request.subarray(1, 1 + 0x47).toString())) // G is a length of 71
  assert.deepEqual(Buffer.from(written), address(ALICE))
  assert.deepEqual(Buffer.from(rest), request.subarray(1 + 0x47))
})

test('an address of 256 bytes is one', () => {
  const long = 'b'.repeat(256)
  assert.deepEqual(hear(ourEnd('dialler', ALICE), [address(long), HANDSHAKE]).outcome, original(long))
})

test('silence is waited for: what ends it is the clock', () => {
  assert.equal(hear(ourEnd('listener', ALICE), [EMPTY]).outcome, undefined)
  assert.equal(hear(ourEnd('dialler', ALICE), [EMPTY]).outcome, undefined)
  assert.equal(hear(ourEnd('listener', ALICE), [address(BOB).subarray(0, 5)]).outcome, undefined)
})

test('endless empty frames in the place of an address are refused at the first', () => {
  const end = ourEnd('listener', ALICE)
  end.start()
  end.receive(Buffer.from([0x80, 0x00]))
  assert.equal(end.outcome, 'it does not speak this protocol')
})

test('one of ours in another room is let go', () => {
  const other = Buffer.alloc(32, 8)
  const [a, b] = [
    ourEnd('dialler', ALICE, { instanceByte: 1 }),
    ourEnd('listener', BOB, { instanceByte: 2, room: other }),
  ]
  connect(a, b)
  assert.equal(a.outcome, 'it is in another room')
  assert.equal(b.outcome, 'it is in another room')
})

test('a hello that is none ends the opening', () => {
  for (const bad of [frame(Buffer.from('hello')), Buffer.from([0]), Buffer.from([0x80, 0]), frame(Buffer.alloc(257))]) {
    const { outcome } = hear(ourEnd('dialler', ALICE), [address(BOB), Buffer.from([0]), bad])
    assert.equal(outcome, 'its hello cannot be understood')
  }
  const { outcome } = hear(ourEnd('dialler', ALICE), [address(BOB), Buffer.from([0]), hello(2)])
  assert.deepEqual(outcome, ours(BOB, 2), 'control')
})

test('a peer whose address is __proto__ or constructor is one like any other', () => {
  const before = Object.getOwnPropertyNames(Object.prototype)
  for (const name of ['__proto__', 'constructor', 'toString']) {
    assert.deepEqual(hear(ourEnd('listener', ALICE), [address(name), address(name), HANDSHAKE]).outcome, original(name))
  }
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before)
  assert.equal(Reflect.get({}, 'id'), undefined)
})
