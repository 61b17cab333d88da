import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attacksRun } from '../helper/attacks-run.js'

// With few honest peers each; `npm run test:long -- --only simulated-strangers` runs any number of seeds.
const SEEDS = [3, 5, 6, 10, 12]

test('lies, made-up contacts and misleading hosts cut nobody off, whatever else fails', async t => {
  let [reflected, relayed, presented] = [0, 0, 0]
  for (const seed of SEEDS) {
    const run = await attacksRun(seed)
    reflected += run.reflected
    relayed += run.relayed
    presented += run.presented
  }
  t.diagnostic(`${reflected} connections were led back, ${relayed} to others, ${presented} proofs were presented`)
  assert.ok(Math.min(reflected, relayed, presented) > SEEDS.length)
})
