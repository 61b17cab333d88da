import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { leavingFor, PLACES_PER_ADDRESS_MAX, type Place } from '../../src/net/admission/places.js'
import { CONNECTIONS_MAX } from '../../src/net/limits.js'

const place: fc.Arbitrary<Place> = fc.record({
  remoteAddress: fc.integer({ min: 0, max: 5 }).map(host => `10.0.0.${host}`),
  isStranger: fc.boolean(),
  isScuttleup: fc.boolean(),
})

/** The places after these connections were opened, with the rule or another one. */
function opened(newcomers: readonly Place[], rule: typeof leavingFor = leavingFor): Place[] {
  let places: Place[] = []
  for (const newcomer of newcomers) {
    const leaving = rule(newcomer, places)
    if (leaving === newcomer) continue
    places = [...places.filter(each => each !== leaving), newcomer]
  }
  return places
}

const stranger = (host: number): Place => ({ remoteAddress: `10.0.0.${host}`, isStranger: true, isScuttleup: false })
const known = (host: number): Place => ({ ...stranger(host), isStranger: false })
const crowd = Array.from({ length: 128 }, () => stranger(1))

test('keeps its bounds, and displaces strangers only', () => {
  fc.assert(
    fc.property(fc.array(place, { maxLength: 200 }), newcomers => {
      let places: Place[] = []
      for (const newcomer of newcomers) {
        const leaving = leavingFor(newcomer, places)
        assert.ok(leaving === undefined || leaving === newcomer || leaving.isStranger)
        if (leaving === newcomer) continue
        places = [...places.filter(each => each !== leaving), newcomer]
        assert.ok(places.length <= CONNECTIONS_MAX)
        for (let host = 0; host <= 5; host++) {
          const of = places.filter(({ isStranger, remoteAddress }) => isStranger && remoteAddress === `10.0.0.${host}`)
          assert.ok(of.length <= PLACES_PER_ADDRESS_MAX)
        }
      }
    }),
  )
})

test('128 strangers from one address leave half of the connections free, and the first of them stay', () => {
  const places = opened(crowd)
  assert.equal(places.length, PLACES_PER_ADDRESS_MAX)
  assert.deepEqual(places.slice(0, -1), crowd.slice(0, PLACES_PER_ADDRESS_MAX - 1))
})

test('known people get in, and a stranger whose address has fewer, whatever the crowd does', () => {
  const two = [...crowd, ...crowd.map(() => stranger(2))]
  for (const newcomer of [known(1), known(3), stranger(3)]) {
    assert.equal(opened(two).length, CONNECTIONS_MAX)
    assert.ok(opened([...two, newcomer, ...crowd]).includes(newcomer))
  }
})

test('control: where the first ones keep every place, nobody else gets in', () => {
  const first = <P extends Place>(newcomer: P, places: readonly P[]): P | undefined =>
    places.length < CONNECTIONS_MAX ? undefined : newcomer
  const carol = known(3)
  assert.ok(!opened([...crowd, carol], first).includes(carol))
})
