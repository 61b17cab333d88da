import assert from 'node:assert/strict'
import test from 'node:test'
import { fuzz } from '../long/fuzz.js'

test('no change to any field of any message breaks a rule, in 200,000 tries', async () => {
  const { figures, faults } = await fuzz.run({ cycles: 200_000, seed: Date.now() % 2 ** 31 })
  assert.deepEqual(faults, [], JSON.stringify(figures))
  const { stored = 0, effects = 0, falseProofs = 0 } = figures
  assert.ok(stored > 2_000 && effects > 20_000 && falseProofs > 1_000, JSON.stringify(figures))
})
