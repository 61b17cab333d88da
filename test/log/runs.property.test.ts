import assert from 'node:assert/strict'
import test from 'node:test'
import { Splitter } from '../../src/log/forks/splitter.js'
import { runSchedule } from '../helper/run-schedule.js'
import { SEED } from '../helper/seed.js'

const SCHEDULES = 100

test('keeps every line once, however machines of one key crash and are copied, damaged and restored', async () => {
  let [forks, runs] = [0, 0]
  for (let index = 0; index < SCHEDULES; index++) {
    // The first half has forks.
    const seed = index < SCHEDULES / 2 ? index : SEED + index
    try {
      const result = await runSchedule(seed)
      forks += result.forks
      runs += result.runs
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause })
    }
  }
  assert.ok(forks > 0, `${forks} forks`)
  assert.ok(runs > SCHEDULES, `${runs} runs`)
})

test('control: some lines are missing if forks are not divided into branches', async t => {
  t.mock.method(Splitter.prototype, 'split', async () => {})
  let failed = 0
  for (let seed = 0; seed < SCHEDULES && failed === 0; seed++) await runSchedule(seed).catch(() => failed++)
  assert.ok(failed > 0)
})
