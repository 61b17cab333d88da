import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { SeededRandom } from '../../src/base/seeded-random.js'
import { RecordOpener, RecordSealer } from '../../src/net/sealed/records.js'

const KEY = Buffer.alloc(32, 1)
const length = fc.oneof(fc.nat(40), fc.nat(3_000), fc.integer({ min: 60_000, max: 140_000 }))

test('opens texts of any length, in any parts and chunks, and leaves earlier texts alone', () => {
  const written = fc.array(fc.array(length, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 })
  const chunk = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(written, chunk, fc.nat(), (turns, chunkLengths, seed) => {
      const random = new SeededRandom(seed)
      const sealer = new RecordSealer(KEY, Buffer.alloc(24))
      const opener = new RecordOpener(KEY)
      const texts = turns.map(lengths => lengths.map(each => Buffer.from(random.bytes(each))))
      const sealed = Buffer.concat(texts.map((parts, turn) => sealer.sealAll(parts, turn === texts.length - 1)))
      const opened: Uint8Array[] = []
      for (let start = 0, turn = 0; start < sealed.length; turn++) {
        const end = start + (chunkLengths[turn % chunkLengths.length] ?? 1)
        // A copy, as the chunks of a socket are.
        opener.push(Buffer.from(sealed.subarray(start, end)))
        start = end
        for (let read = opener.next(); read.kind !== 'more'; read = opener.next()) {
          assert.equal(read.kind, 'record')
          if (read.kind === 'record') opened.push(read.text)
          if (opener.isOver) break
        }
      }
      assert.ok(opener.isOver)
      assert.ok(Buffer.concat(texts.flat()).equals(Buffer.concat(opened)))
    }),
    { numRuns: 60 },
  )
})
