import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attacksRun } from '../helper/attacks-run.js'

/** Each with another attack of a peer, and with few honest peers. */
const SEEDS = [3, 6, 12, 24]

test('lies, made-up contacts and misleading hosts cut nobody off, whatever else fails', async t => {
  let [reflected, relayed] = [0, 0]
  for (const seed of SEEDS) {
    const run = await attacksRun(seed)
    reflected += run.reflected
    relayed += run.relayed
  }
  t.diagnostic(`${reflected} connections were led back, ${relayed} to others`)
  assert.ok(reflected > SEEDS.length && relayed > SEEDS.length)
})
