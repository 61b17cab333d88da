import assert from 'node:assert/strict'
import test from 'node:test'
import { HourlyQuota } from '../../src/base/hourly-quota.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const HOUR = 60 * 60 * 1000

test('a link may bring so many new authors an hour, and as many again in the next', () => {
  for (const most of [0, 1, 31, 32]) {
    const clock = new VirtualClock()
    const allowance = new HourlyQuota(clock, most)
    for (let hour = 0; hour < 3; hour++) {
      for (let i = 0; i < most; i++) assert.equal(allowance.take(), true)
      assert.equal(allowance.take(), false)
      clock.advance(HOUR - 1)
      assert.equal(allowance.take(), false)
      clock.advance(1)
    }
  }
})

test('what was not used does not add up', () => {
  const clock = new VirtualClock()
  const allowance = new HourlyQuota(clock, 2)
  clock.advance(10 * HOUR)
  assert.deepEqual(
    [1, 2, 3].map(() => allowance.take()),
    [true, true, false],
  )
})
