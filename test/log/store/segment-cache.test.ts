import assert from 'node:assert/strict'
import test from 'node:test'
import { type LogId, logOfKey } from '../../../src/log/format/author.js'
import { SEGMENT_BYTES_MAX } from '../../../src/log/limits.js'
import { RECENT_BYTES_MAX, SegmentCache } from '../../../src/log/store/segment-cache.js'
import type { Range, Row } from '../../../src/log/store/store.js'
import { logOver } from '../../helper/logs.js'
import { MemoryStore } from '../../helper/memory-store.js'
import { alice, bob, entryOf, WrittenLog } from '../../helper/signed-world.js'

const ALICE = logOfKey(alice.publicKey)
const BOB = logOfKey(bob.publicKey)
const segment = (first: number, last: number, bytes = 10) => ({ first, last, bytes: new Uint8Array(bytes) })
const placesAt = (recent: SegmentCache, author: LogId, seqs: readonly number[]) =>
  seqs.map(seq => recent.page(author, seq, seq + 1)[0]?.first)

test('finds the segment of a recent entry and none for an older one', () => {
  const recent = new SegmentCache()
  recent.add(ALICE, [segment(5, 6), segment(7, 7)])
  recent.add(ALICE, [segment(8, 20)])
  recent.add(BOB, [segment(1, 1)])
  assert.deepEqual(placesAt(recent, ALICE, [4, 5, 6, 7, 8, 20, 21]), [undefined, 5, 5, 7, 8, 8, undefined])
  recent.forget(ALICE)
  assert.deepEqual(placesAt(recent, ALICE, [5, 20]), [undefined, undefined])
  assert.deepEqual(placesAt(recent, BOB, [1]), [1])
  recent.forgetAll()
  assert.deepEqual(placesAt(recent, BOB, [1]), [undefined])
})

test('replaces a log when a segment does not continue it', () => {
  const recent = new SegmentCache()
  recent.add(ALICE, [segment(1, 10), segment(11, 20)])
  recent.add(ALICE, [segment(11, 12)])
  assert.deepEqual(placesAt(recent, ALICE, [1, 10, 11, 12, 13]), [undefined, undefined, 11, 11, undefined])
})

test('keeps the latest segments of all logs within its limit', () => {
  const recent = new SegmentCache()
  const count = RECENT_BYTES_MAX / SEGMENT_BYTES_MAX
  for (let seq = 1; seq <= 2 * count; seq++)
    recent.add(seq % 2 === 0 ? ALICE : BOB, [segment(seq, seq + 1, SEGMENT_BYTES_MAX)])
  const found = Array.from(
    { length: 2 * count },
    (_, index) => recent.page(index % 2 === 0 ? BOB : ALICE, index + 1, index + 2)[0],
  )
  assert.ok(found.filter(found => found !== undefined).length <= count)
  assert.notEqual(found.at(-1), undefined)
  assert.equal(found[0], undefined)
})

test('keeps no larger buffers in memory than the segments need', () => {
  const recent = new SegmentCache()
  const read = new Uint8Array(8_192)
  const count = RECENT_BYTES_MAX / 100
  for (let seq = 1; seq <= count; seq++) recent.add(ALICE, [{ first: seq, last: seq, bytes: read.subarray(0, 100) }])
  let memory = 0
  for (let seq = 1; seq <= count; seq++) memory += recent.page(ALICE, seq, seq + 1)[0]?.bytes.buffer.byteLength ?? 0
  assert.ok(memory > 0 && memory < RECENT_BYTES_MAX / 2, `${memory} bytes of segments`)
})

/** A store that counts its reads. */
class CountingStore extends MemoryStore {
  reads = 0

  override pages(range: Range): AsyncGenerator<readonly Row[]> {
    this.reads++
    return super.pages(range)
  }
}

test('serves followers from memory and history from disk', async () => {
  const store = new CountingStore()
  const log = await logOver(store, bob)
  const written = new WrittenLog(
    alice,
    Array.from({ length: 6 }, (_, index) => entryOf(index, 90)),
  )
  const received: number[] = []
  const news = log.read({ tail: true })
  let next = news.next()
  const before = store.reads
  for (const first of [1, 3, 5]) {
    await log.addSigned(ALICE, [written.run(first, first + 1)])
    const { value } = await next
    received.push(...value.map(({ seq }: { seq: number }) => seq))
    next = news.next()
  }
  assert.deepEqual(received, [1, 2, 3, 4, 5, 6])
  assert.equal(store.reads, before)
  for await (const _ of log.read()) void _
  assert.ok(store.reads > before)
  await log.close()
})
