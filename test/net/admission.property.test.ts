import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { AdmissionControl } from '../../src/net/admission/unproven.js'
import { UNPROVEN_MAX, UNPROVEN_PER_ADDRESS_MAX } from '../../src/net/limits.js'

const LOOPBACK = ['127.0.0.1', '::1', '::ffff:127.0.0.1']
const address = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('10.0.0.1', ...LOOPBACK) },
  fc.integer({ min: 2, max: 20 }).map(host => `10.0.0.${host}`),
)
/** A connection arrives from an address, or one of those that arrived leaves. */
const event = fc.oneof({ weight: 4, arbitrary: fc.record({ from: address }) }, fc.record({ gone: fc.nat({ max: 30 }) }))

test('admits few connections, and evicts the oldest of the busiest address', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120 }), events => {
      const admission = new AdmissionControl<number>()
      let waiting: { peer: number; from: string }[] = []
      let peer = 0
      const from = (where: string): typeof waiting => waiting.filter(each => each.from === where)
      for (const each of events) {
        if ('gone' in each) {
          admission.release(peer - each.gone)
          waiting = waiting.filter(other => other.peer !== peer - each.gone)
          continue
        }
        peer++
        waiting.push({ peer, from: each.from })
        const leaver = admission.admit(peer, each.from)
        if (leaver !== undefined) {
          const address = waiting.find(other => other.peer === leaver)?.from ?? ''
          assert.equal(from(address)[0]?.peer, leaver, 'the oldest of its address')
          const tooMany = !LOOPBACK.includes(each.from) && from(each.from).length > UNPROVEN_PER_ADDRESS_MAX
          if (tooMany) assert.equal(address, each.from)
          else for (const other of waiting) assert.ok(from(other.from).length <= from(address).length)
          waiting = waiting.filter(other => other.peer !== leaver)
        }
        assert.equal(admission.size, waiting.length)
        assert.ok(waiting.length <= UNPROVEN_MAX)
        if (!LOOPBACK.includes(each.from)) assert.ok(from(each.from).length <= UNPROVEN_PER_ADDRESS_MAX)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('admits exactly up to the limits', () => {
  const admission = new AdmissionControl<number>()
  for (let peer = 1; peer <= UNPROVEN_MAX; peer++) assert.equal(admission.admit(peer, '127.0.0.1'), undefined)
  assert.equal(admission.admit(100, '10.0.0.1'), 1, 'an honest peer gets in')
  for (let peer = 101; peer < 100 + UNPROVEN_PER_ADDRESS_MAX; peer++) admission.admit(peer, '10.0.0.1')
  assert.equal(admission.admit(200, '10.0.0.1'), 100)
  assert.equal(admission.size, UNPROVEN_MAX)
})
