import assert from 'node:assert/strict'
import test from 'node:test'
import { mutatedSessions } from '../long/mutated-sessions.js'

test('500 sessions with one byte changed: no death, nothing stored that is no entry, no memory lost', {
  timeout: 240_000,
}, async () => {
  const { figures, faults } = await mutatedSessions.run({ cycles: 500, seed: 1 })
  assert.deepEqual(faults, [], JSON.stringify(figures))
  const { storedWhole = 0, originalDiesOf = 0 } = figures
  assert.ok(storedWhole > 25 && storedWhole < 400, `changes are felt, and not by all: ${JSON.stringify(figures)}`)
  assert.ok(originalDiesOf > 0, 'control: the original dies of one of thirty such sessions')
})
