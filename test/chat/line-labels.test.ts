import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { LineLabels } from '../../src/chat/line-labels.js'
import type { LogId } from '../../src/log/format/author.js'

const log = (name: string): LogId => name as LogId

test('names a line by letters for its log and its place there', () => {
  const labels = new LineLabels()
  for (const name of ['alice', 'bob']) labels.add(log(name))
  assert.equal(labels.labelOf(log('alice'), 1), 'a1')
  assert.equal(labels.labelOf(log('bob'), 412), 'b412')
  assert.equal(labels.labelOf(log('carol'), 1), undefined)
  assert.deepEqual(labels.placeOf('B412'), { author: 'bob', seq: 412 })
  for (const text of ['c1', 'b0', 'b', '412', '-1', 'b01', 'b1x', 'i1', 'o1', '', `b${'9'.repeat(40)}`])
    assert.equal(labels.placeOf(text), undefined, text)
})

test('every place has one label, and every label one place', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), fc.integer({ min: 1, max: 2 ** 31 }), (number, seq) => {
      const labels = new LineLabels()
      labels.set(log('bob'), number)
      const label = labels.labelOf(log('bob'), seq) ?? ''
      assert.match(label, /^[a-z]+\d+$/)
      assert.deepEqual(labels.placeOf(label), { author: 'bob', seq })
    }),
  )
  const labels = new LineLabels()
  const all = Array.from({ length: 20_000 }, (_, index) => {
    labels.add(log(`${index}`))
    return labels.labelOf(log(`${index}`), 1)
  })
  assert.equal(new Set(all).size, all.length)
})

test('a log keeps its first number, and no other log gets it', () => {
  const labels = new LineLabels()
  labels.set(log('bob'), 1)
  labels.set(log('bob'), 0)
  labels.set(log('mallory'), 1)
  assert.equal(labels.labelOf(log('bob'), 1), 'b1')
  assert.equal(labels.has(log('mallory')), false)
  assert.equal(labels.add(log('mallory')), 2)
  assert.deepEqual(labels.numbersFrom(2), [['mallory', 2]])
  assert.equal(labels.delete(log('mallory')), 2)
  assert.equal(labels.labelOf(log('mallory'), 1), undefined)
  assert.equal(labels.add(log('carol')), 3)
})
