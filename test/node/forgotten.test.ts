import assert from 'node:assert/strict'
import test from 'node:test'
import { entryFieldsOf } from '../../src/chat/kinds/kinds.js'
import { type LogId, logOfKey } from '../../src/log/format/author.js'
import type { Entry } from '../../src/log/format/entry.js'
import { Erasures } from '../../src/node/erasures.js'
import { StoredLabels } from '../../src/node/stored-labels.js'
import { Quota, STOPPED_MAX } from '../../src/sync/quota/stranger-quota.js'
import { fixedQuota } from '../helper/fixed-quota.js'
import { meet } from '../helper/fork-schedule.js'
import { logOver, replicatorOf } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { alice, bob, carol, entryOf, WrittenLog } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const NOBODY = { isKnown: () => false, onKnown: () => () => {} }

const keyOf = (number: number): LogId => number.toString(16).padStart(64, '0') as LogId

test('a log that is neither stored nor remembered as stopped is forgotten', async () => {
  const clock = new VirtualClock()
  const quota = new Quota({ known: NOBODY, clock })
  const log = await logOver(new MemoryStore(), bob, { quota, clock })
  const forgotten: LogId[] = []
  log.on('forgotten', each => forgotten.push(each))
  replicatorOf(log)
  for (let number = 1; number <= STOPPED_MAX; number++) quota.stop(keyOf(number), 1)
  assert.deepEqual(forgotten, [], 'control: all of them are remembered')
  quota.stop(keyOf(STOPPED_MAX + 1), 1)
  assert.deepEqual(forgotten, [keyOf(1)])
  await log.close()
})

test('nothing is stored about a forgotten log, and no other log gets its letters', async () => {
  const disk = new MemoryDisk()
  const [theirs, ours] = [await logOver(new MemoryStore(), alice), await logOver(new MemoryStore(disk), bob)]
  const [erasures, labels] = [await Erasures.open(ours), await StoredLabels.open(ours)]
  await theirs.append({ username: 'alice', message: 'first' })
  await theirs.append({ username: 'alice', ...entryFieldsOf({ kind: 'edit', to: { run: 0, seq: 1 }, text: 'First' }) })
  await meet(theirs, ours)
  await erasures.settled()
  const entries: Entry[] = []
  for await (const batch of ours.read({})) entries.push(...batch)
  await labels.cover(entries)
  const rowsOf = async (prefix: string): Promise<number> =>
    (await ours.rowsUnder(Buffer.from(prefix)).all()).filter(([key]) => key.length > 0).length
  const counts = (): Promise<number[]> => Promise.all(['t', 'y', 'l'].map(rowsOf))
  assert.deepEqual(await counts(), [1, 1, 1], 'control: an edit, how far the log was read, and its letters')
  ours.emit('forgotten', theirs.id)
  await labels.cover([])
  while ((await counts()).some(count => count > 0)) await new Promise(setImmediate)
  assert.equal(labels.labels.labelOf(theirs.id, 1), undefined)
  const again = await StoredLabels.open(ours)
  assert.equal(again.labels.add(keyOf(9)), 1)
  await erasures.close()
  await ours.close()
})

test('how far a log was read is deleted with the log, not only once it is forgotten', async () => {
  const ours = await logOver(new MemoryStore(), bob, { quota: fixedQuota(Number.POSITIVE_INFINITY) })
  const erasures = await Erasures.open(ours)
  const rows = ours.rowsUnder(Buffer.from('y'))
  const written = new WrittenLog(alice, [entryOf(0)])
  const author = logOfKey(alice.publicKey)
  await ours.addSigned(author, written.runs())
  await erasures.settled()
  assert.equal((await rows.all()).length, 1)
  ours.emit('shortened', author)
  await ours.append({ username: 'bob', message: 'hello' })
  await erasures.settled()
  assert.equal((await rows.all()).length, 2, 'control: a log of which something is left')
  const quota = new Quota({ known: NOBODY, clock: new VirtualClock(), diskBytesMax: 0 })
  const full = await logOver(new MemoryStore(), bob, { quota })
  const others = await Erasures.open(full)
  for (const keys of [alice, carol]) {
    await full.addSigned(logOfKey(keys.publicKey), new WrittenLog(keys, [entryOf(0)]).runs())
    await others.settled()
  }
  const left = full.rowsUnder(Buffer.from('y'))
  while ((await left.all()).length > 1) await new Promise(setImmediate)
  assert.equal(full.localSeq(author), 0)
  for (const each of [erasures, others]) await each.close()
  for (const log of [ours, full]) await log.close()
})
