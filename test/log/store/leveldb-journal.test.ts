import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { readJournal, writeJournal } from '../../../src/log/store/leveldb/journal.js'

/** Records of every size that matters for blocks of 32 KiB. Like all of our records, none ends in zeros. */
const record = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 200 }),
    fc.integer({ min: 32_740, max: 32_790 }).map(length => new Uint8Array(length).fill(7)),
    fc.integer({ min: 66_000, max: 70_000 }).map(length => new Uint8Array(length).fill(9)),
  )
  .map(bytes => Buffer.concat([bytes, Buffer.of(1)]))
const records = fc.array(record, { minLength: 1, maxLength: 5 })

const plain = (list: readonly Uint8Array[]): string[] => list.map(bytes => Buffer.from(bytes).toString('hex'))

test('round-trips records', () => {
  fc.assert(
    fc.property(records, list => {
      const { records: read, damagedAt } = readJournal(writeJournal(list))
      assert.deepEqual(plain(read), plain(list))
      assert.equal(damagedAt, undefined)
    }),
    { numRuns: 100 },
  )
})

test('treats a file that ends early as a torn write and keeps the records before it', () => {
  fc.assert(
    fc.property(records, fc.nat(), (list, at) => {
      const whole = writeJournal(list)
      const { records: read, damagedAt } = readJournal(whole.subarray(0, at % whole.length))
      assert.equal(damagedAt, undefined)
      assert.ok(read.length < list.length)
      assert.deepEqual(plain(read), plain(list.slice(0, read.length)))
    }),
    { numRuns: 200 },
  )
})

test('treats zeros at the end of a file as a torn write', () => {
  const whole = Buffer.from(writeJournal([Buffer.from('one'), Buffer.alloc(500, 7)]))
  for (const kept of [12, 40, 300]) {
    const torn = Buffer.concat([whole.subarray(0, kept), Buffer.alloc(1_000)])
    const { records: read, damagedAt } = readJournal(torn)
    assert.deepEqual([plain(read), damagedAt], [plain([Buffer.from('one')]).slice(0, kept < 10 ? 0 : 1), undefined])
  }
})

test('finds every flipped bit and keeps all other records', () => {
  fc.assert(
    fc.property(records, fc.nat(), fc.nat({ max: 7 }), (list, at, bit) => {
      const bytes = Buffer.from(writeJournal(list))
      const offset = at % bytes.length
      bytes[offset] = (bytes[offset] as number) ^ (1 << bit)
      const { records: read, damagedAt } = readJournal(bytes)
      const isPadding = damagedAt === undefined
      assert.ok(isPadding ? plain(read).join() === plain(list).join() : read.length < list.length)
      const known = new Set(plain(list))
      assert.ok(
        plain(read).every(each => known.has(each)),
        'a record that was never written',
      )
    }),
    { numRuns: 150 },
  )
})
