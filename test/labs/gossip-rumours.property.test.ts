import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { GOSSIP_CACHE_MAX, GOSSIP_ORIGINS_MAX } from '../../src/labs/gossip/limits.js'
import { isNewer, type Rumour } from '../../src/labs/gossip/rumour.js'
import { RumourCache } from '../../src/labs/gossip/rumour-cache.js'

const rumours = fc.array(
  fc.record({
    uuid: fc.integer({ min: 0, max: 30 }).map(n => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`),
    origin: fc.integer({ min: 7_000, max: 7_004 }),
    version: fc.integer({ min: 1, max: 6 }),
    ttl: fc.constant(1),
    hops: fc.constant(1),
    payload: fc.constant({ book: 'Emma, by Jane Austen' }),
  }),
  { maxLength: 40 },
)
const nobody = (): boolean => false

const viewOf = (cache: RumourCache): string[] =>
  Array.from(cache.all(), ({ rumour }) => `${rumour.origin} ${rumour.version} ${rumour.uuid}`).sort()

function cacheOf(arrived: readonly Rumour[], originsMax = GOSSIP_ORIGINS_MAX): RumourCache {
  const cache = new RumourCache(originsMax)
  for (const rumour of arrived) cache.take(rumour, 0, nobody)
  return cache
}

test('keeps the newest version of each origin in any order of arrival', () => {
  const shuffled = rumours.chain(list =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray([...list, ...list], { minLength: 2 * list.length })),
  )
  fc.assert(
    fc.property(shuffled, ([first, second]) => assert.deepEqual(viewOf(cacheOf(first)), viewOf(cacheOf(second)))),
  )
})

test('control: nodes that keep the last arrival do not agree', () => {
  const last = (arrived: readonly Rumour[]): string[] => [
    ...new Map(arrived.map(rumour => [rumour.origin, `${rumour.version} ${rumour.uuid}`])).values(),
  ]
  assert.throws(() => fc.assert(fc.property(rumours, list => assert.deepEqual(last(list), last(list.toReversed())))))
})

test('nodes that pull from each other converge', () => {
  fc.assert(
    fc.property(rumours, rumours, (left, right) => {
      const [a, b] = [cacheOf(left), cacheOf(right)]
      for (const rumour of b.lackedBy(a.known)) a.take(rumour, 0, nobody)
      for (const rumour of a.lackedBy(b.known)) b.take(rumour, 0, nobody)
      const versions = (cache: RumourCache): string[] =>
        cache.known.map(([port, version]) => `${port} ${version}`).sort()
      assert.deepEqual(versions(a), versions(b))
    }),
  )
})

test('isNewer is a total order of the rumours of an origin', () => {
  fc.assert(
    fc.property(rumours, list => {
      for (const a of list)
        for (const b of list) assert.equal(isNewer(a, b) || isNewer(b, a), a.version !== b.version || a.uuid !== b.uuid)
    }),
  )
})

const forged = (count: number): Rumour[] =>
  Array.from({ length: count }, (_, n) => ({
    uuid: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    origin: n + 1,
    version: 1,
    ttl: 1,
    hops: 1,
    payload: { book: 'x' },
  }))

test('bounds its memory and does not evict peers for other origins', () => {
  const cache = new RumourCache()
  const peer = { ...(forged(1)[0] as Rumour), origin: 0 }
  cache.take(peer, 0, origin => origin === 0)
  for (const rumour of forged(3 * GOSSIP_CACHE_MAX)) cache.take(rumour, 0, origin => origin === 0)
  assert.equal([...cache.all()].length, GOSSIP_ORIGINS_MAX)
  assert.ok(cache.newest(0))
  // The latest rumours are remembered, and the earliest ones are forgotten.
  assert.deepEqual(forged(3 * GOSSIP_CACHE_MAX).filter(rumour => cache.isKnown(rumour)).length, GOSSIP_CACHE_MAX)
  // Control: without the bound it grows with the number of rumours.
  assert.equal([...cacheOf(forged(3 * GOSSIP_CACHE_MAX), Number.POSITIVE_INFINITY).all()].length, 3 * GOSSIP_CACHE_MAX)
})
