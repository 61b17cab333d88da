import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { LogId } from '../../../src/log/format/author.js'
import { KEPT_BYTES, StrangerPool } from '../../../src/sync/quota/stranger-pool.js'

const KIB = 1024
const LOGS_MAX = 8
const BYTES_MAX = LOGS_MAX * KEPT_BYTES

interface Growth {
  readonly log: LogId
  readonly owner: string
  readonly isRelayed: boolean
  readonly bytes: number
}

const growth: fc.Arbitrary<Growth> = fc
  .record({
    owner: fc.integer({ min: 0, max: 5 }),
    log: fc.integer({ min: 0, max: 4 }),
    bytes: fc.oneof(
      fc.constantFrom(1, 64 * KIB, KEPT_BYTES - 1, KEPT_BYTES, KEPT_BYTES + 1),
      fc.integer({ min: 1, max: BYTES_MAX }),
    ),
  })
  .map(({ owner, log, bytes }) => ({
    log: `owner ${owner} log ${log}` as LogId,
    owner: `owner ${owner}`,
    isRelayed: log > 0,
    bytes,
  }))
const growths = fc.array(growth, { maxLength: 40 })

/** The usage of each log and of each introducer. */
class Model {
  readonly pool = new StrangerPool(BYTES_MAX, LOGS_MAX)
  readonly sizes = new Map<LogId, { readonly owner: string; readonly bytes: number }>()

  /** Grows a log as far as the pool allows. Returns what others lost. */
  grow({ log, owner, isRelayed, bytes }: Growth): { readonly owner: string; readonly before: number }[] {
    const size = this.sizes.get(log)?.bytes ?? 0
    const allowed = Math.min(size + bytes, this.pool.limitOf(log, owner))
    if (allowed <= size) return []
    const usedBefore = new Map([...this.sizes.values()].map(each => [each.owner, this.usedBy(each.owner)]))
    this.sizes.set(log, { owner, bytes: allowed })
    const cuts = this.pool.grow(log, allowed, owner, isRelayed)
    return cuts.map(cut => {
      const { owner: loser = '' } = this.sizes.get(cut.log) ?? {}
      assert.notEqual(cut.log, log, 'the log that grows is not the one that is shortened')
      if (cut.bytesKept === 0) this.sizes.delete(cut.log)
      else this.sizes.set(cut.log, { owner: loser, bytes: cut.bytesKept })
      return { owner: loser, before: usedBefore.get(loser) ?? 0 }
    })
  }

  usedBy(owner: string): number {
    return [...this.sizes.values()].reduce((sum, each) => sum + (each.owner === owner ? each.bytes : 0), 0)
  }

  get owners(): Set<string> {
    return new Set([...this.sizes.values()].map(({ owner }) => owner))
  }
}

test('never exceeds its bounds, and counts what is stored', () => {
  fc.assert(
    fc.property(growths, all => {
      const model = new Model()
      for (const each of all) {
        model.grow(each)
        assert.ok(model.pool.bytes <= BYTES_MAX, `${model.pool.bytes} bytes`)
        assert.ok(model.pool.size <= LOGS_MAX)
        assert.equal(model.pool.size, model.sizes.size)
        assert.equal(
          model.pool.bytes,
          [...model.owners].reduce((sum, owner) => sum + model.usedBy(owner), 0),
        )
      }
    }),
    { numRuns: 500 },
  )
})

test('reclaims from an introducer only what exceeds a fair share', () => {
  fc.assert(
    fc.property(growths, all => {
      const model = new Model()
      for (const each of all) {
        const logs = new Map(
          [...model.owners].map(owner => [owner, [...model.sizes.values()].filter(log => log.owner === owner).length]),
        )
        const sharers = new Set([...model.owners, each.owner]).size
        for (const { owner, before } of model.grow(each)) {
          if (owner === each.owner) continue
          const isMostBytes = before > BYTES_MAX / sharers
          const isMostLogs = (logs.get(owner) ?? 0) > 1 || sharers > LOGS_MAX
          assert.ok(isMostBytes || isMostLogs, `${owner} used ${before}`)
        }
      }
    }),
    { numRuns: 500 },
  )
})

test('the first 64 KiB of a newcomer always fit', () => {
  fc.assert(
    fc.property(growths, all => {
      const model = new Model()
      for (const each of all) model.grow(each)
      const newcomer = { log: 'newcomer' as LogId, owner: 'newcomer', isRelayed: false, bytes: 64 * KIB }
      assert.ok(model.pool.limitOf(newcomer.log, newcomer.owner) >= 64 * KIB)
      model.grow(newcomer)
      assert.equal(model.sizes.get(newcomer.log)?.bytes, 64 * KIB)
    }),
    { numRuns: 500 },
  )
})

test('stores everything in any order while there is room', () => {
  const small = growth.map(each => ({ ...each, bytes: Math.ceil((each.bytes * KEPT_BYTES) / BYTES_MAX / 5) }))
  fc.assert(
    fc.property(fc.uniqueArray(small, { selector: ({ log }) => log, maxLength: LOGS_MAX }), fc.nat(), (all, seed) => {
      const [one, other] = [new Model(), new Model()]
      const shuffled = all
        .map((each, index) => ({ each, place: Math.sin(seed + index) }))
        .sort((a, b) => a.place - b.place)
      for (const each of all) assert.deepEqual(one.grow(each), [])
      for (const { each } of shuffled) assert.deepEqual(other.grow(each), [])
      assert.deepEqual(new Map([...one.sizes].sort()), new Map([...other.sizes].sort()))
    }),
  )
})

test('an introducer loses what it relayed before what it wrote, and large logs before small ones', () => {
  const pool = new StrangerPool(BYTES_MAX, LOGS_MAX)
  pool.grow('own' as LogId, 3 * KEPT_BYTES, 'relay', false)
  pool.grow('small' as LogId, KEPT_BYTES / 2, 'relay', true)
  pool.grow('large' as LogId, 2 * KEPT_BYTES, 'relay', true)
  pool.grow('other' as LogId, 2 * KEPT_BYTES, 'other', false)
  assert.deepEqual(pool.grow('newcomer' as LogId, KEPT_BYTES, 'newcomer', false), [
    { log: 'large', bytesKept: KEPT_BYTES },
  ])
})

test('of small logs, evicts the one that has not grown for longest', () => {
  const pool = new StrangerPool(BYTES_MAX, 3)
  for (const name of ['one', 'two', 'three']) pool.grow(name as LogId, 10, 'relay', true)
  pool.grow('one' as LogId, 20, 'relay', true)
  assert.deepEqual(pool.grow('newcomer' as LogId, 10, 'newcomer', false), [{ log: 'two', bytesKept: 0 }])
})
