// Databases that the benchmark fills quickly equal those that people fill line by line.
import assert from 'node:assert/strict'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import type { Shape } from '../../bench/contestant.js'
import { lineOf } from '../../bench/entries.js'
import { program } from '../../bench/ours.js'
import type { Log } from '../../src/log/log.js'
import { logIn } from '../helper/logs.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const ENTRIES = 150

/** Number of entries in each stored segment. */
async function segmentsOf(log: Log): Promise<number[]> {
  const lasts: number[] = []
  for (let seq = 1; (await log.entry(log.id, seq)) !== undefined; ) {
    const segment = await log.segmentAt(log.id, seq)
    assert.ok(segment)
    lasts.push(segment.entries.length)
    seq += segment.entries.length
  }
  return lasts
}

async function filled(t: TestContext, shape: Partial<Shape>): Promise<Log> {
  const directory = path.join(await temporaryDirectory(t), 'filled')
  await program.fill(directory, { authors: 1, entries: ENTRIES, appended: 'singly', areJoined: true, ...shape })
  const log = await logIn(directory)
  t.after(() => log.close())
  return log
}

test('stores entries that are appended one by one as a real disk does', async t => {
  const real = await logIn(path.join(await temporaryDirectory(t), 'real'))
  t.after(() => real.close())
  for (let index = 0; index < ENTRIES; index++) await real.append({ username: 'bench', message: lineOf(index) })
  assert.deepEqual(await segmentsOf(await filled(t, {})), await segmentsOf(real))
})

test('leaves every entry with its own signature if segments are not joined', async t => {
  const log = await filled(t, { areJoined: false })
  assert.deepEqual(await segmentsOf(log), Array(ENTRIES).fill(1))
  assert.deepEqual(await log.verify(log.id), { last: ENTRIES, fault: undefined })
})

test('fills a database with the entries of several authors', async t => {
  const log = await filled(t, { authors: 3, entries: 10, appended: 'in bulk' })
  assert.deepEqual(
    log.head.map(({ seq }) => seq),
    [10, 10, 10],
  )
})
