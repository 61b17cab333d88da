import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { frame } from '../../src/base/wire/frames.js'
import { exchange, nativeEnd, receive, remoteOf, SCUTTLEUP_HANDSHAKE, scuttleupEnd } from '../helper/handshake-world.js'
import { ScuttleupTopology } from '../helper/scuttleup-topology.js'

/** Addresses that are often equal, prefixes of each other, or as long as they may be. */
const address = fc.oneof(
  fc.constantFrom('a:1', 'a:10', 'b:1', 'B:1', 'é.local:7', '😀:1', '__proto__', 'x'.repeat(127), 'x'.repeat(256)),
  fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }).filter(text => Buffer.byteLength(text) <= 256),
)
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 })
const role = fc.constantFrom('dialler' as const, 'listener' as const)
const plain = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('native peers recognise each other, however the bytes are split, and lose nothing', () => {
  fc.assert(
    fc.property(address, address, sizes, fc.uint8Array(), fc.uint8Array(), (mine, yours, cuts, fromA, fromB) => {
      const a = nativeEnd('dialler', mine, { peer: 1, says: fromA })
      const b = nativeEnd('listener', yours, { peer: 2, says: fromB })
      exchange(a, b, cuts)
      assert.deepEqual(a.outcome, remoteOf(yours, 2))
      assert.deepEqual(b.outcome, remoteOf(mine, 1))
      assert.deepEqual([plain(a.rest), plain(b.rest)], [plain(fromB), plain(fromA)])
    }),
    { numRuns: 500 },
  )
})

test('understands a scuttleup peer that dials any name of ours, and loses nothing', () => {
  fc.assert(
    fc.property(address, address, address, sizes, (mine, its, called, cuts) => {
      const end = nativeEnd('listener', mine, { says: SCUTTLEUP_HANDSHAKE })
      const original = new ScuttleupTopology(its, called)
      exchange(scuttleupEnd(original), end, cuts)
      assert.deepEqual(end.outcome, { kind: 'scuttleup', address: its })
      assert.ok(original.isReady)
      assert.deepEqual(
        [plain(end.rest), plain(original.rest)],
        [plain(SCUTTLEUP_HANDSHAKE), plain(SCUTTLEUP_HANDSHAKE)],
      )
    }),
    { numRuns: 1_000 },
  )
})

test('understands a dialled scuttleup peer, which reads an empty frame and then our frames', () => {
  fc.assert(
    fc.property(address, address, sizes, (mine, its, cuts) => {
      const end = nativeEnd('dialler', mine, { says: SCUTTLEUP_HANDSHAKE })
      const original = new ScuttleupTopology(its)
      exchange(end, scuttleupEnd(original), cuts)
      assert.deepEqual(end.outcome, { kind: 'scuttleup', address: its })
      assert.ok(original.isReady)
      assert.deepEqual(
        [plain(end.rest), plain(original.rest)],
        [plain(SCUTTLEUP_HANDSHAKE), `00${plain(SCUTTLEUP_HANDSHAKE)}`],
      )
    }),
    { numRuns: 1_000 },
  )
})

/** Bytes that strangers send: valid pieces in any order, with noise between them. */
const piece = (mine: string): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.constant(frame(Buffer.from(mine))),
    address.map(text => frame(Buffer.from(text))),
    fc.constant(SCUTTLEUP_HANDSHAKE),
    fc.constant(frame(Buffer.concat([Buffer.from([2]), Buffer.alloc(32, 9)]))),
    fc.constantFrom(Buffer.from([0]), Buffer.from([0x80, 0]), Buffer.from([0xff, 0xff]), Buffer.from([0x80, 2])),
    fc.uint8Array({ maxLength: 20 }),
  )

test('gives the same outcome however the bytes are split', () => {
  const said = address.chain(its =>
    fc.array(piece(its), { maxLength: 6 }).map(parts => [frame(Buffer.from(its)), ...parts]),
  )
  fc.assert(
    fc.property(
      role,
      address,
      fc.oneof(
        said,
        said.map(parts => parts.slice(1)),
      ),
      sizes,
      (ourRole, mine, parts, cuts) => {
        const bytes = Buffer.concat(parts)
        const pieces: Uint8Array[] = []
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = cuts[turn % cuts.length] ?? 1
          pieces.push(bytes.subarray(at, at + size))
          at += size
        }
        const whole = receive(nativeEnd(ourRole, mine), [bytes])
        const cut = receive(nativeEnd(ourRole, mine), pieces)
        assert.deepEqual(cut.outcome, whole.outcome)
        assert.deepEqual([plain(cut.written), plain(cut.rest)], [plain(whole.written), plain(whole.rest)])
      },
    ),
    { numRuns: 3_000 },
  )
})

test('never throws, and answers with a few hundred bytes at most', () => {
  fc.assert(
    fc.property(
      role,
      address,
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 }),
      (ourRole, mine, pieces) => {
        assert.ok(receive(nativeEnd(ourRole, mine), pieces).written.length < 1_000)
      },
    ),
    { numRuns: 2_000 },
  )
})
