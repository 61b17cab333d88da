import assert from 'node:assert/strict'
import test from 'node:test'
import type { AuthorId } from '../../src/log/format/author.js'
import { HEADS_MAX } from '../../src/sync/limits.js'
import { DISCONNECTED_MAX, Receipts } from '../../src/sync/receipts.js'

const alice = 'alice' as AuthorId
const place = { author: alice, seq: 5 }

test('who told of an entry holds it, who told of less does not', () => {
  const custody = new Receipts()
  custody.open('bob').record([{ author: alice, seq: 5 }])
  custody.open('carol').record([{ author: alice, seq: 4 }])
  assert.deepEqual(custody.of(place), { on: 1, of: 2, left: 0 })
})

test('several links to one peer count once, and what was told over one of them counts', () => {
  const custody = new Receipts()
  const [one, other] = [custody.open('bob'), custody.open('bob')]
  one.record([{ author: alice, seq: 5 }])
  other.record([{ author: alice, seq: 1 }])
  assert.deepEqual(custody.of(place), { on: 1, of: 1, left: 0 })
})

test('who has left is told apart', () => {
  const custody = new Receipts()
  const bob = custody.open('bob')
  bob.record([place])
  bob.close()
  bob.close()
  assert.deepEqual(custody.of(place), { on: 0, of: 0, left: 1 })
  custody.open('bob')
  assert.deepEqual(custody.of(place), { on: 0, of: 1, left: 0 }, 'back, and nothing is told yet')
})

test('what is told costs no more than its bound, however many peers come and whatever they tell', () => {
  const custody = new Receipts()
  let told = 0
  custody.on('receipt', () => {
    told += 1
  })
  custody
    .open('boaster')
    .record(Array.from({ length: 3 * HEADS_MAX }, (_, i) => ({ author: `a${i}` as AuthorId, seq: 1 })))
  assert.equal(told, HEADS_MAX)
  for (let i = 0; i < 10 * DISCONNECTED_MAX; i++) {
    const guest = custody.open(`guest${i}`)
    guest.record([place])
    guest.close()
  }
  assert.equal(custody.of(place).left, DISCONNECTED_MAX)
})
