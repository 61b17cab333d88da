import assert from 'node:assert/strict'
import test from 'node:test'
import { isLive } from '../../src/chat/liveness.js'

const START = 1_000_000
const arrival = { now: START + 60_000, startedAt: START, connectedAt: START + 30_000, isOurs: false }

test('treats a message as live if it was written after the start and after the newest connection', () => {
  assert.equal(isLive(START + 59_000, arrival), true)
  assert.equal(isLive(START - 1, arrival), false, 'before the start')
  assert.equal(isLive(START + 29_000, arrival), false, 'before the connection')
  assert.equal(isLive(START + 29_000, { ...arrival, isOurs: true }), true, 'an own line comes over no connection')
})

test('treats a message that arrives long after it was written as history', () => {
  const later = { ...arrival, now: START + 3_600_000 }
  assert.equal(isLive(START + 3_600_000 - 301_000, later), false)
  assert.equal(isLive(START + 3_600_000 - 299_000, later), true, 'control')
})
