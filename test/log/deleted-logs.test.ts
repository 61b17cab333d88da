import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { type LogId, logOfKey } from '../../src/log/format/author.js'
import type { Log } from '../../src/log/log.js'
import { WordIndex } from '../../src/search/word-index.js'
import { Quota } from '../../src/sync/quota/stranger-quota.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { alice, allRows, bob, carol, entryOf, type Keys, WrittenLog } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

/** Two blocks of the index. */
const LINES = 128
const ALICE = logOfKey(alice.publicKey)

/** A log with room for one stranger: each deletes the one before. */
async function openLog(t: TestContext) {
  const [disk, clock] = [new MemoryDisk(), new VirtualClock()]
  const quota = new Quota({ known: { isKnown: () => false, onKnown: () => () => {} }, clock, diskBytesMax: 0 })
  const log = await logOver(new MemoryStore(disk), bob, { quota, clock })
  t.after(() => log.close())
  return { log, quota, clock, disk }
}

async function add(log: Log, keys: Keys, lines: number): Promise<LogId> {
  const written = new WrittenLog(
    keys,
    Array.from({ length: lines }, (_, index) => entryOf(index)),
  )
  const author = logOfKey(keys.publicKey)
  assert.equal(await log.addSigned(author, written.runs()), undefined)
  return author
}

test('what was erased in a log takes neither rows nor memory once the log is deleted', async t => {
  const { log, disk } = await openLog(t)
  const rowsOfErasures = (): number => allRows(disk).filter(([key]) => key[0] === 'd'.charCodeAt(0)).length
  await add(log, alice, LINES)
  await log.contents.drop(ALICE, { from: 3, to: 5 }, 'deleted')
  assert.deepEqual([rowsOfErasures(), log.contents.version(ALICE) > 0], [1, true], 'control')
  await add(log, carol, 1)
  assert.equal(log.localSeq(ALICE), 0)
  assert.deepEqual([rowsOfErasures(), log.contents.version(ALICE)], [0, 0])
})

test('a log that was deleted and fetched again is indexed again', async t => {
  const { log, quota, clock } = await openLog(t)
  const index = new WordIndex(log, clock)
  t.after(() => index.close())
  await add(log, alice, LINES)
  await index.build()
  assert.deepEqual(await index.progress(), { done: LINES, of: LINES })
  await add(log, carol, 1)
  assert.deepEqual(await index.progress(), { done: 0, of: 0 }, 'control: it is deleted')
  quota.lift(ALICE)
  await add(log, alice, LINES)
  await index.build()
  assert.deepEqual(await index.progress(), { done: LINES, of: LINES })
})
