import assert from 'node:assert/strict'
import test from 'node:test'
import type { Log } from '../../src/log/log.js'
import { mallory, meet, messagesOf, openBob, openCarol, openMallory, textsOf } from '../helper/fork-schedule.js'
import { SEED } from '../helper/seed.js'
import { forks } from '../long/forks.js'

test('proves the same fork on every peer, and keeps every line of every branch once', async () => {
  const { figures, faults } = await forks.run({ cycles: 55, seed: SEED })
  assert.deepEqual(faults, [], JSON.stringify(figures))
  assert.ok((figures['ofThreeBranches'] ?? 0) > 5, JSON.stringify(figures))
})

test('finds no fork in a log that only grows (control)', async () => {
  const origin = await openMallory()
  await origin.append({ username: 'mallory', message: 'one' })
  const bob = await openBob()
  await meet(bob, origin)
  await origin.append({ username: 'mallory', message: 'two' })
  await meet(bob, origin)
  await meet(bob, origin)
  assert.equal(bob.forkOf(mallory), undefined)
  assert.equal((await textsOf(bob)).length, 2)
  for (const log of [origin, bob]) await log.close()
})

/** Logs of mallory with a common prefix and different ends. */
async function branches(...lines: readonly (readonly string[])[]): Promise<Log[]> {
  const logs: Log[] = []
  for (const messages of lines) {
    const log = await openMallory()
    for (const message of messages) await log.append({ username: 'mallory', message })
    logs.push(log)
  }
  return logs
}

for (const [left, right] of [
  [5, 2],
  [1, 6],
  [3, 3],
] as const) {
  test(`exchanges both histories of ${left} and ${right} entries over the connection that proves the fork`, async () => {
    const histories = [left, right].map((count, side) => Array.from({ length: count }, (_, line) => `${side} ${line}`))
    const [one, other] = (await branches(...histories.map(lines => ['common', ...lines]))) as [Log, Log]
    const bob = await openBob()
    await meet(other, bob)
    await meet(one, bob)
    for (const log of [one, bob]) assert.deepEqual(await messagesOf(log), [...histories.flat(), 'common'].toSorted())
    for (const log of [one, other, bob]) await log.close()
  })
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
  assert.equal(bob.forkOf(mallory), 4)
  await meet(carol, bob)
  await meet(right, carol)
  await meet(carol, bob)
  await meet(right, carol)
  for (const log of [right, carol, bob]) {
    assert.equal(log.forkOf(mallory), 2)
    for (const { author } of log.head) assert.equal((await log.verify(author)).fault, undefined)
    assert.deepEqual(await messagesOf(log), ['left', 'one', 'other', 'third', 'three', 'two'])
  }
  for (const log of [left, third, right, bob, carol]) await log.close()
})

test('keeps the lines of two machines that wrote to the same run, and goes on in a new one', async () => {
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
  await restored.append({ username: 'mallory', message: 'and on' })
  await meet(restored, bob)
  await meet(before, bob)
  for (const log of [restored, bob, before])
    assert.deepEqual(await messagesOf(log), ['and on', 'first', 'nor this', 'sent to bob', 'sent to no one'])
  for (const log of [before, restored, bob]) await log.close()
})
