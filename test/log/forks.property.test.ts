import assert from 'node:assert/strict'
import test from 'node:test'
import type { Log } from '../../src/log/log.js'
import { mallory, meet, openBob, openCarol, openMallory, textsOf } from '../helper/fork-schedule.js'
import { forks } from '../long/forks.js'

test('proves the same fork on every peer and freezes the log at the same entry', async () => {
  const { figures, faults } = await forks.run({ cycles: 100, seed: Date.now() % 1_000_000 })
  assert.deepEqual(faults, [], JSON.stringify(figures))
  assert.ok((figures['ofThreeBranches'] ?? 0) > 10, JSON.stringify(figures))
})

test('finds no fork in a log that only grows (control)', async () => {
  const origin = await openMallory()
  await origin.append({ username: 'mallory', message: 'one' })
  const bob = await openBob()
  await meet(bob, origin)
  await origin.append({ username: 'mallory', message: 'two' })
  await meet(bob, origin)
  await meet(bob, origin)
  assert.equal(bob.isForked({ author: mallory, seq: 1 }), false)
  assert.equal((await textsOf(bob)).length, 2)
  for (const log of [origin, bob]) await log.close()
})

/** Logs of mallory with a common prefix and different ends. */
async function branches(...lines: readonly (readonly string[])[]): Promise<Log[]> {
  const logs: Log[] = []
  for (const messages of lines) {
    const log = await openMallory()
    for (const message of messages) await log.append({ username: 'mallory', message })
    await log.publish()
    logs.push(log)
  }
  return logs
}

test('lowers the fork point for a third history, also on peers without a signature below it', async () => {
  const [left, third, right] = (await branches(
    ['one', 'two', 'three', 'left'],
    ['one', 'two', 'three', 'third'],
    ['one', 'other'],
  )) as [Log, Log, Log]
  const [bob, carol] = [await openBob(), await openCarol()]
  await meet(bob, left)
  await meet(bob, third)
  assert.equal(bob.isForked({ author: mallory, seq: 3 }), false)
  await meet(carol, bob)
  await meet(right, carol)
  await meet(carol, bob)
  for (const log of [right, carol, bob]) {
    assert.equal(log.isForked({ author: mallory, seq: 2 }), true)
    assert.equal(log.isForked({ author: mallory, seq: 1 }), false)
    assert.equal((await log.verify(mallory)).fault, undefined, 'entries that an earlier proof covered are no fault')
  }
  for (const log of [left, third, right, bob, carol]) await log.close()
})

test('retracts unpublished lines in favour of entries from peers and appends them again after those', async () => {
  const before = await openMallory()
  await before.append({ username: 'mallory', message: 'first' })
  const bob = await openBob()
  await meet(bob, before)
  await before.append({ username: 'mallory', message: 'sent to bob' })
  await meet(bob, before)

  const restored = await openMallory()
  await restored.append({ username: 'mallory', message: 'sent to no one' })
  await restored.append({ username: 'mallory', message: 'nor this' })
  await meet(restored, bob)

  for (const log of [restored, bob]) {
    assert.equal(log.isForked({ author: mallory, seq: 1 }), false, 'it is no fork')
    const texts = (await textsOf(log)).map(text => JSON.parse(text).message)
    assert.deepEqual(texts, ['first', 'sent to bob', 'sent to no one', 'nor this'])
  }
  for (const log of [before, restored, bob]) await log.close()
})
