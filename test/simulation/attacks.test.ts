import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attacksRun } from '../helper/attacks-run.js'

const SEEDS = 1

test('lies, made-up contacts and misleading hosts cut nobody off, whatever else fails', async t => {
  let [reflected, relayed] = [0, 0]
  for (let seed = 1; seed <= SEEDS; seed++) {
    const run = await attacksRun(seed)
    reflected += run.reflected
    relayed += run.relayed
  }
  t.diagnostic(`${reflected} connections were led back, ${relayed} to others`)
  assert.ok(reflected > SEEDS && relayed > SEEDS)
})
