import assert from 'node:assert/strict'
import test from 'node:test'
import { quantile } from '../../src/base/quantile.js'
import { SeededRandom } from '../../src/base/seeded-random.js'
import { logOfKey } from '../../src/log/format/author.js'
import { Spread } from '../../src/sim/runs/spread.js'
import { dialledPeersIn, TOPOLOGIES } from '../../src/sim/runs/topologies.js'

const alice = logOfKey(Buffer.alloc(32, 1))

test('measures when an entry reached a share of the peers', () => {
  const spread = new Spread()
  spread.stored('alice', alice, 1, 2, 100)
  spread.received('bob', 'alice', alice, 1, 1)
  spread.stored('bob', alice, 1, 2, 110)
  spread.received('carol', 'bob', alice, 1, 1)
  spread.received('carol', 'alice', alice, 1, 1)
  spread.stored('carol', alice, 1, 2, 130)
  spread.stored('carol', alice, 1, 2, 999) // again, after its disk lost it
  assert.deepEqual(
    [0.25, 0.5, 0.75, 1].map(share => spread.reached(share, 4)),
    [[0], [10], [30], [Number.POSITIVE_INFINITY]],
  )
  assert.deepEqual(spread.copies(['alice', 'bob', 'carol']), [0, 1, 2])
  assert.deepEqual(spread.hops(), [1, 1])
})

test('computes quantiles by nearest rank', () => {
  assert.deepEqual(
    [0, 0.1, 0.5, 0.9, 1].map(share => quantile([5, 1, 4, 2, 3], share)),
    [1, 1, 3, 5, 5],
  )
  assert.ok(Number.isNaN(quantile([], 0.5)))
})

for (const kind of TOPOLOGIES) {
  test(`a ${kind} is connected, and no peer dials itself`, () => {
    for (const count of [2, 3, 5, 9, 40]) {
      const peers = Array.from({ length: count }, (_, index) => `peer${index}`)
      const dials = dialledPeersIn(kind, peers, new SeededRandom(count, 'topology'))
      const near = new Map<string, Set<string>>(peers.map(name => [name, new Set()]))
      for (const [name, others] of dials) {
        assert.ok(!others.includes(name))
        for (const other of others) {
          near.get(name)?.add(other)
          near.get(other)?.add(name)
        }
      }
      const reached = new Set(['peer0'])
      for (const name of reached) for (const other of near.get(name) ?? []) reached.add(other)
      assert.equal(reached.size, count)
      if (kind === 'regular') for (const others of near.values()) assert.ok(others.size <= 8)
    }
  })
}
