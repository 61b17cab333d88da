import assert from 'node:assert/strict'
import test from 'node:test'
import { mutatedSessions } from '../long/mutated-sessions.js'

test('survives 500 sessions with one changed byte: no exit, no invalid entry, no growth in memory', {
  timeout: 300_000,
}, async () => {
  const { figures, faults } = await mutatedSessions.run({ cycles: 500, seed: 1 })
  assert.deepEqual(faults, [], JSON.stringify(figures))
  const { storedWhole = 0, scuttleupDiesOf = 0 } = figures
  assert.ok(storedWhole > 25 && storedWhole < 400, `some changes matter and some do not: ${JSON.stringify(figures)}`)
  assert.ok(scuttleupDiesOf > 0, 'control: one of thirty such sessions ends a scuttleup peer')
})
