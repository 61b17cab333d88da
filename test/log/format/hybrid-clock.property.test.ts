import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { LogId } from '../../../src/log/format/author.js'
import { EARLIEST, HybridClock, hlcAt, hlcOf, justAfter, millisOf } from '../../../src/log/format/hybrid-clock.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

const BOB = 'bob' as LogId
const HOURS_12 = 12 * 60 * 60 * 1000

const at = fc
  .tuple(
    fc.oneof(fc.constantFrom(0, 1, 9_999_999_999_997, 9_999_999_999_998), fc.nat(9_999_999_999_998)),
    fc.oneof(fc.constantFrom(0, 1, 9_998, 9_999), fc.nat(9_999)),
  )
  .map(([millis, counter]) => hlcAt(millis, counter))

test('returns the next reading, with none in between', () => {
  fc.assert(
    fc.property(at, at => {
      const next = justAfter(at)
      assert.equal(hlcOf(next), next)
      assert.ok(next > at)
      const steps = (millisOf(next) - millisOf(at)) * 10_000 + Number(next.slice(14)) - Number(at.slice(14))
      assert.equal(steps, 1)
    }),
  )
})

type Step =
  | { readonly kind: 'observe'; readonly byMs: number }
  | { readonly kind: 'pass'; readonly byMs: number }
  | { readonly kind: 'next' }

const offset = fc.oneof(
  fc.constantFrom(0, 1, HOURS_12 - 1, HOURS_12, HOURS_12 + 1, -1),
  fc.integer({ min: -1e9, max: 1e9 }),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  offset.map((byMs): Step => ({ kind: 'observe', byMs })),
  offset.map((byMs): Step => ({ kind: 'pass', byMs: Math.round(byMs / 1_000) })),
  fc.constant<Step>({ kind: 'next' }),
)

test('increases strictly and stays within twelve hours of a jumping system clock, whatever it observes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const time = new VirtualClock()
      const clock = new HybridClock(time)
      let latest = time.now()
      let last = EARLIEST
      for (const step of steps) {
        if (step.kind === 'observe') clock.observe(hlcAt(time.now() + step.byMs), BOB)
        else if (step.kind === 'pass') time.advance(step.byMs)
        else {
          const next = clock.next()
          assert.ok(next > last)
          last = next
        }
        latest = Math.max(latest, time.now())
        assert.ok(millisOf(last) <= latest + HOURS_12 + steps.length)
      }
    }),
  )
})
