import assert from 'node:assert/strict'
import test from 'node:test'
import type { LogId } from '../../src/log/format/author.js'
import { trackedLogsMax } from '../../src/sync/limits.js'
import { DISCONNECTED_MAX, Receipts } from '../../src/sync/receipts.js'

const alice = 'alice' as LogId
const place = { author: alice, seq: 5 }

test('counts peers that announced the entry, not those that announced less', () => {
  const receipts = new Receipts()
  receipts.open('bob').record([{ author: alice, seq: 5 }])
  receipts.open('carol').record([{ author: alice, seq: 4 }])
  assert.deepEqual(receipts.of(place), { on: 1, of: 2, left: 0 })
})

test('counts several connections to one peer once, with the highest of their heads', () => {
  const receipts = new Receipts()
  const [one, other] = [receipts.open('bob'), receipts.open('bob')]
  one.record([{ author: alice, seq: 5 }])
  other.record([{ author: alice, seq: 1 }])
  assert.deepEqual(receipts.of(place), { on: 1, of: 1, left: 0 })
})

test('counts disconnected peers separately', () => {
  const receipts = new Receipts()
  const bob = receipts.open('bob')
  bob.record([place])
  bob.close()
  bob.close()
  assert.deepEqual(receipts.of(place), { on: 0, of: 0, left: 1 })
  receipts.open('bob')
  assert.deepEqual(receipts.of(place), { on: 0, of: 1, left: 0 }, 'connected again, nothing announced yet')
})

test('bounds its memory, however many peers connect and whatever they announce', () => {
  const receipts = new Receipts()
  let count = 0
  receipts.on('receipt', () => {
    count += 1
  })
  receipts
    .open('mallory')
    .record(Array.from({ length: 2 * trackedLogsMax() }, (_, i) => ({ author: `a${i}` as LogId, seq: 1 })))
  assert.equal(count, trackedLogsMax())
  for (let i = 0; i < 10 * DISCONNECTED_MAX; i++) {
    const peer = receipts.open(`peer${i}`)
    peer.record([place])
    peer.close()
  }
  assert.equal(receipts.of(place).left, DISCONNECTED_MAX)
})

test('counts strangers apart, and as known people once they are', () => {
  const receipts = new Receipts()
  let isKnown = false
  receipts.open('bob').record([place])
  receipts.open('mallory', { isKnown: () => isKnown }).record([place])
  receipts.open('oscar', { isKnown: () => false }).record([{ author: alice, seq: 1 }])
  assert.deepEqual(receipts.of(place), { on: 1, of: 1, left: 0, strangers: 1 })
  isKnown = true
  assert.deepEqual(receipts.of(place), { on: 2, of: 2, left: 0 })
})

test('keeps the receipts of known people, however many strangers come and go', () => {
  const receipts = new Receipts()
  const bob = receipts.open('bob')
  bob.record([place])
  bob.close()
  for (let i = 0; i < 2 * DISCONNECTED_MAX; i++) receipts.open(`stranger ${i}`, { isKnown: () => false }).close()
  assert.deepEqual(receipts.of(place), { on: 0, of: 0, left: 1 })
  for (let i = 0; i < 2 * DISCONNECTED_MAX; i++) receipts.open(`friend ${i}`).close()
  assert.deepEqual(receipts.of(place), { on: 0, of: 0, left: 0 }, 'control: later known people replace earlier ones')
})

test('says whether one peer has an entry, whoever else has it', () => {
  const receipts = new Receipts()
  receipts.open('mallory').record([place])
  assert.equal(receipts.isAt('bob', place), false)
  receipts.open('bob').record([place])
  assert.equal(receipts.isAt('bob', place), true)
  assert.equal(receipts.isAt('bob', { author: alice, seq: 6 }), false)
})

test('forgets what peers have of a log that this disk neither has nor remembers', () => {
  const receipts = new Receipts()
  const bob = receipts.open('bob')
  bob.record([place])
  receipts.open('carol').record([place])
  bob.close()
  receipts.forget(place.author)
  assert.deepEqual(receipts.of(place), { on: 0, of: 1, left: 0 })
})

test('forgets what a peer had of a log that it has dropped', () => {
  const receipts = new Receipts()
  const bob = receipts.open('bob')
  const changes: unknown[] = []
  receipts.on('receipt', (...change) => changes.push(change))
  bob.record([place])
  bob.gaps([{ author: alice, ranges: [{ from: 1, to: 2 }] }])
  bob.record([{ author: alice, seq: 0 }])
  assert.deepEqual(receipts.of(place), { on: 0, of: 1, left: 0 })
  bob.record([{ author: alice, seq: 0 }])
  assert.deepEqual(changes, [
    ['bob', alice, 5],
    ['bob', alice, 5],
    ['bob', alice, 0],
  ])
  bob.record([place])
  assert.equal(receipts.isAt('bob', { author: alice, seq: 1 }), true, 'no gap is left')
})

test('counts receipts on a long connection, however many logs came and went', () => {
  const counted = (isDropped: boolean): boolean => {
    const receipts = new Receipts()
    const bob = receipts.open('bob')
    for (let index = 0; index < trackedLogsMax(); index++) {
      bob.record([{ author: `a${index}` as LogId, seq: 1 }])
      if (isDropped) bob.record([{ author: `a${index}` as LogId, seq: 0 }])
    }
    bob.record([place])
    return receipts.isAt('bob', place)
  }
  assert.equal(counted(true), true)
  assert.equal(counted(false), false, 'control: while bob has as many logs as are remembered')
})
