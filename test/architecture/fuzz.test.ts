import assert from 'node:assert/strict'
import test from 'node:test'
import { SEED } from '../helper/seed.js'
import { fuzz } from '../long/fuzz.js'

test('200,000 mutated messages break no invariant', async () => {
  const { figures, faults } = await fuzz.run({ cycles: 200_000, seed: SEED })
  assert.deepEqual(faults, [], JSON.stringify(figures))
  const { stored = 0, effects = 0, falseProofs = 0 } = figures
  assert.ok(stored > 2_000 && effects > 20_000 && falseProofs > 1_000, JSON.stringify(figures))
})
