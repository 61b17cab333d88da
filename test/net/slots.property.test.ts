import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { CONNECTIONS_PER_ADDRESS_MAX, evictionFor, type Slot } from '../../src/net/admission/slots.js'
import { CONNECTIONS_MAX } from '../../src/net/limits.js'

const slot: fc.Arbitrary<Slot> = fc.record({
  remoteAddress: fc.integer({ min: 0, max: 5 }).map(host => `10.0.0.${host}`),
  isStranger: fc.boolean(),
  isScuttleup: fc.boolean(),
})

/** The slots after these connections were opened, under this rule or another rule. */
function opened(newcomers: readonly Slot[], rule: typeof evictionFor = evictionFor): Slot[] {
  let slots: Slot[] = []
  for (const newcomer of newcomers) {
    const leaving = rule(newcomer, slots)
    if (leaving === newcomer) continue
    slots = [...slots.filter(each => each !== leaving), newcomer]
  }
  return slots
}

const stranger = (host: number): Slot => ({ remoteAddress: `10.0.0.${host}`, isStranger: true, isScuttleup: false })
const known = (host: number): Slot => ({ ...stranger(host), isStranger: false })
const crowd = Array.from({ length: 128 }, () => stranger(1))

test('keeps its bounds, and displaces strangers only', () => {
  fc.assert(
    fc.property(fc.array(slot, { maxLength: 200 }), newcomers => {
      let slots: Slot[] = []
      for (const newcomer of newcomers) {
        const leaving = evictionFor(newcomer, slots)
        assert.ok(leaving === undefined || leaving === newcomer || leaving.isStranger)
        if (leaving === newcomer) continue
        slots = [...slots.filter(each => each !== leaving), newcomer]
        assert.ok(slots.length <= CONNECTIONS_MAX)
        for (let host = 0; host <= 5; host++) {
          const of = slots.filter(({ isStranger, remoteAddress }) => isStranger && remoteAddress === `10.0.0.${host}`)
          assert.ok(of.length <= CONNECTIONS_PER_ADDRESS_MAX)
        }
      }
    }),
  )
})

test('128 strangers from one address leave half of the connections free, and the first of them stay', () => {
  const slots = opened(crowd)
  assert.equal(slots.length, CONNECTIONS_PER_ADDRESS_MAX)
  assert.deepEqual(slots.slice(0, -1), crowd.slice(0, CONNECTIONS_PER_ADDRESS_MAX - 1))
})

test('known people get in, and so does a stranger whose address has fewer connections, whatever the crowd does', () => {
  const two = [...crowd, ...crowd.map(() => stranger(2))]
  for (const newcomer of [known(1), known(3), stranger(3)]) {
    assert.equal(opened(two).length, CONNECTIONS_MAX)
    assert.ok(opened([...two, newcomer, ...crowd]).includes(newcomer))
  }
})

test('control: where the first ones keep every slot, nobody else gets in', () => {
  const first = <P extends Slot>(newcomer: P, slots: readonly P[]): P | undefined =>
    slots.length < CONNECTIONS_MAX ? undefined : newcomer
  const carol = known(3)
  assert.ok(!opened([...crowd, carol], first).includes(carol))
})
