import assert from 'node:assert/strict'
import test from 'node:test'
import { systemClock } from '../../src/base/clock.js'
import { hexOf } from '../../src/base/wire/bytes.js'
import { logKey, logOfKey } from '../../src/log/format/author.js'
import { HybridClock } from '../../src/log/format/hybrid-clock.js'
import { planSigned } from '../../src/log/format/segment-plan.js'
import { segmentKey, signedHeadKey, signedHeadWrite } from '../../src/log/format/segment-rows.js'
import { HeadIndex } from '../../src/log/store/head-index.js'
import type { Range, Row, Write } from '../../src/log/store/store.js'
import { MemoryStore } from '../helper/memory-store.js'
import { alice, entryOf, WrittenLog } from '../helper/signed-world.js'

const ALICE = logOfKey(alice.publicKey)
const ENTRIES = Array.from({ length: 60 }, (_, index) => entryOf(index, 1_000))
const written = new WrittenLog(alice, ENTRIES)
const planTo = (last: number) =>
  planSigned(
    written.name,
    undefined,
    written
      .runs([10, 20, 30, 40, 50].filter(end => end < last))
      .filter(run => run.first <= last)
      .map(run => (run.first + run.entries.length - 1 > last ? written.run(run.first, last) : run)),
  )

/** Records the first seq of each read. */
class WatchedStore extends MemoryStore {
  readonly starts: string[] = []

  override pages(range: Range): AsyncGenerator<readonly Row[]> {
    if (!range.reverse) this.starts.push(hexOf(range.gte))
    return super.pages(range)
  }
}

async function loaded(saved: Write) {
  const store = new WatchedStore()
  await store.commit([...planTo(60).writes, saved])
  const heads = await new HeadIndex(store, () => written.name, new HybridClock(systemClock)).load()
  return { head: heads.get(ALICE), starts: store.starts.slice(1) }
}

test('recomputes an outdated head from the segment that contains it', async () => {
  const expected = planTo(60).head
  const places = [30, 31, 32, 45, 59]
  for (const seq of places) {
    const head = planTo(seq).head
    assert.equal(head?.seq, seq)
    const { head: found, starts } = await loaded(signedHeadWrite(head))
    assert.deepEqual(found, expected)
    assert.notEqual(
      starts[0],
      hexOf(segmentKey(logKey(alice.publicKey, 0), 0)),
      `from the start, with a head at ${seq}`,
    )
  }
})

test('rebuilds a head that contradicts its log from all segments', async () => {
  const expected = planTo(60).head
  const [at45, at44] = [planTo(45).head, planTo(44).head]
  assert.ok(at45 && at44)
  const untrue = [
    { ...at45, chain: at44.chain },
    { ...at45, last: at44.last },
    { ...at45, seq: 61 },
    { ...at45, seq: 44 },
  ]
  for (const head of untrue) assert.deepEqual((await loaded(signedHeadWrite(head))).head, expected)
  assert.deepEqual((await loaded({ type: 'del', key: signedHeadKey(ALICE) })).head, expected)
})
