import assert from 'node:assert/strict'
import test from 'node:test'
import { TokenBucket } from '../../src/base/token-bucket.js'

const HOUR = 60 * 60 * 1_000

const takeAll = (bucket: TokenBucket, now: number): number => {
  let taken = 0
  while (bucket.take(now)) taken++
  return taken
}

test('allows a burst of its capacity, and again in each period', () => {
  for (const capacity of [0, 1, 31, 32]) {
    const bucket = new TokenBucket(capacity, 0, HOUR)
    for (let hour = 0; hour < 3; hour++) assert.equal(takeAll(bucket, hour * HOUR), capacity)
  }
})

test('refills evenly over the period', () => {
  const bucket = new TokenBucket(32, 0, HOUR)
  assert.equal(takeAll(bucket, 0), 32)
  assert.equal(takeAll(bucket, HOUR / 32 - 1), 0)
  assert.equal(takeAll(bucket, HOUR / 32), 1)
  assert.equal(takeAll(bucket, HOUR / 2 + 1), 15)
})

test('never accumulates more than its capacity', () => {
  assert.equal(takeAll(new TokenBucket(2, 0, HOUR), 10 * HOUR), 2)
})

test('neither adds nor removes tokens when the clock is set back', () => {
  const bucket = new TokenBucket(2, HOUR)
  assert.equal(bucket.take(HOUR), true)
  assert.equal(takeAll(bucket, 0), 1)
  assert.equal(takeAll(bucket, 499), 0)
  assert.equal(takeAll(bucket, 500), 1)
})
