import assert from 'node:assert/strict'
import test from 'node:test'
import type { LogId } from '../../../src/log/format/author.js'
import {
  EARLIEST,
  type Hlc,
  HybridClock,
  hlcAt,
  hlcOf,
  justAfter,
  later,
  millisOf,
  UNSET_CLOCK_BEFORE_MS,
} from '../../../src/log/format/hybrid-clock.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

const BOB = 'bob' as LogId
const HOURS_12 = 12 * 60 * 60 * 1000
const at = (text: string): Hlc => {
  const at = hlcOf(text)
  assert.ok(at !== undefined, text)
  return at
}

test('accepts thirteen digits, a dot and four digits, and nothing else', () => {
  assert.equal(hlcOf('1763670000123.0007'), '1763670000123.0007')
  for (const text of [
    '',
    '1763670000123',
    '1763670000123.007',
    '1763670000123.00007',
    '176367000012.0007',
    ' 1763670000123.0007',
    '1763670000123.0007\n',
    '1763670000123,0007',
    '+763670000123.0007',
    '１763670000123.0007',
  ]) {
    assert.equal(hlcOf(text), undefined, JSON.stringify(text))
  }
})

test('returns the first reading of a millisecond, clamped to thirteen digits', () => {
  assert.equal(hlcAt(1_763_670_000_123), '1763670000123.0000')
  assert.equal(hlcAt(7.9, 3), '0000000000007.0003')
  assert.equal(hlcAt(-1), EARLIEST)
  assert.equal(hlcAt(1e15), '9999999999999.0000')
  assert.equal(millisOf(at('1763670000123.0007')), 1_763_670_000_123)
})

test('carries from the counter into the millisecond', () => {
  assert.equal(justAfter(at('1763670000123.0007')), '1763670000123.0008')
  assert.equal(justAfter(at('1763670000123.9998')), '1763670000123.9999')
  assert.equal(justAfter(at('1763670000123.9999')), '1763670000124.0000')
  assert.equal(justAfter(at('1763670000999.9999')), '1763670001000.0000')
})

test('picks the later of two readings in either order', () => {
  assert.equal(later(at('0000000000001.0000'), at('0000000000000.9999')), '0000000000001.0000')
  assert.equal(later(EARLIEST, EARLIEST), EARLIEST)
})

test('increases strictly over 20,000 entries within one millisecond', () => {
  const clock = new HybridClock(new VirtualClock(1_800_000_000_000))
  let last = EARLIEST
  for (let i = 0; i < 20_000; i++) {
    const next = clock.next()
    assert.ok(next > last)
    last = next
  }
  assert.equal(last, '1800000000001.9999')
})

test('orders a new entry after everything seen, even when the system clock is behind or set back', () => {
  const time = new VirtualClock()
  const clock = new HybridClock(time)
  const seen = hlcAt(time.now() + 5_000, 3)
  clock.observe(seen, BOB)
  assert.equal(clock.next(), justAfter(seen))
  time.advance(-60_000)
  assert.equal(clock.next(), justAfter(justAfter(seen)))
  time.advance(120_000)
  assert.equal(clock.next(), hlcAt(time.now()))
})

test('follows readings up to twelve hours ahead and not a millisecond further', () => {
  const time = new VirtualClock()
  const clock = new HybridClock(time)
  clock.observe(hlcAt(time.now() + HOURS_12 + 1), BOB)
  assert.equal(clock.next(), hlcAt(time.now()))
  clock.observe(hlcAt(time.now() + HOURS_12), BOB)
  assert.equal(clock.next(), hlcAt(time.now() + HOURS_12, 1))
})

test('orders a new entry after the previous one of its log, however far ahead that is', () => {
  const time = new VirtualClock()
  const clock = new HybridClock(time)
  const ahead = hlcAt(time.now() + 100 * HOURS_12)
  assert.equal(clock.next(ahead), justAfter(ahead))
  assert.equal(clock.next(), hlcAt(time.now()), 'other logs are not affected')
})

test('follows every reading while the system clock is unset', () => {
  for (const [now, isFollowed] of [
    [0, true],
    [UNSET_CLOCK_BEFORE_MS - 1, true],
    [UNSET_CLOCK_BEFORE_MS, false],
  ] as const) {
    const clock = new HybridClock(new VirtualClock(now))
    clock.observe(hlcAt(1_900_000_000_000), BOB)
    assert.equal(clock.next(), isFollowed ? hlcAt(1_900_000_000_000, 1) : hlcAt(now))
  }
})

test('follows people whom the user knows for twelve hours, and others for a minute', () => {
  const time = new VirtualClock()
  const clock = new HybridClock(time, log => log === BOB)
  const stranger = 'mallory' as LogId
  clock.observe(hlcAt(time.now() + 60_001), stranger)
  assert.equal(clock.next(), hlcAt(time.now()))
  clock.observe(hlcAt(time.now() + 60_000), stranger)
  assert.equal(clock.next(), hlcAt(time.now() + 60_000, 1))
  clock.observe(hlcAt(time.now() + HOURS_12), BOB)
  assert.equal(clock.next(), hlcAt(time.now() + HOURS_12, 1), 'control')
})

test('returns to the system clock after it was set back by more than the limit', () => {
  const time = new VirtualClock()
  const clock = new HybridClock(time)
  time.advance(100 * HOURS_12)
  const wrong = clock.next()
  time.advance(-100 * HOURS_12)
  assert.equal(clock.next(), hlcAt(time.now()))
  assert.ok(clock.hasComeBackFrom(wrong))
  assert.equal(clock.next(wrong), justAfter(wrong), 'a log continues in order all the same')
})
