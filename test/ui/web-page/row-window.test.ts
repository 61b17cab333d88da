import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { ROWS_MAX, RowWindow } from '../../../src/ui/web/page/list/row-window.js'
import type { Page } from '../../../src/ui/web/protocol/rows.js'
import { BOB, idOf, lineRow } from '../../helper/page-rows.js'
import { SEED } from '../../helper/seed.js'

/** The page with the rows `from ≤ index < to` of a history of `count` rows. */
const pageOf = (from: number, to: number, count: number): Page => {
  const first = Math.max(0, from)
  const end = Math.min(count, to)
  const rows = Array.from({ length: end - first }, (_, index) => lineRow(first + index, BOB, `${first + index}`))
  return { rows, before: first, after: count - end }
}
const numbersOf = ({ rows }: RowWindow): number[] => rows.map(({ id }) => Number(id.slice('row-'.length)))

test('the rows stay consecutive when pages load and lines arrive', () => {
  type Step = 'before' | 'after' | 'arrive' | 'elsewhere'
  const steps = fc.array(fc.constantFrom<Step>('before', 'after', 'arrive', 'elsewhere'), { maxLength: 60 })
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 3_000 }), (all, start) => {
      let count = 3_000
      const window = new RowWindow()
      window.show(pageOf(start, start + 150, count))
      for (const step of all) {
        const numbers = numbersOf(window)
        const first = numbers[0] ?? 0
        const last = numbers.at(-1) ?? 0
        if (step === 'before') window.prepend(pageOf(first - 150, first, count))
        else if (step === 'after') window.append(pageOf(last + 1, last + 151, count))
        else if (step === 'elsewhere') window.show(pageOf((first * 7) % count, ((first * 7) % count) + 150, count))
        else {
          window.arrive([lineRow(count, BOB, `${count}`)], 0, true)
          count++
        }
        const shown = numbersOf(window)
        const begin = shown[0] ?? window.before
        assert.deepEqual(
          shown,
          shown.map((_, index) => begin + index),
        )
        assert.equal(window.before, begin)
        assert.equal(window.before + shown.length + window.after, count)
        assert.ok(shown.length <= ROWS_MAX)
      }
    }),
    { seed: SEED },
  )
})

test('inserts a late row by its order, and counts rows outside the window', () => {
  const window = new RowWindow()
  window.show({ rows: [lineRow(10, BOB, 'a'), lineRow(20, BOB, 'c')], before: 3, after: 0 })
  assert.equal(window.arrive([lineRow(15, BOB, 'b')], 0, false), true)
  assert.deepEqual(numbersOf(window), [10, 15, 20])
  assert.equal(window.arrive([lineRow(5, BOB, 'earlier')], 0, false), false)
  assert.equal(window.before, 4)
  assert.equal(window.arrive([lineRow(30, BOB, 'd')], 0, false), true)
  window.arrive([], 7, false)
  assert.equal(window.after, 7)
  assert.equal(window.arrive([lineRow(40, BOB, 'not here')], 0, false), false)
  assert.equal(window.after, 8)
})

test('replaces and removes rows in the window', () => {
  const window = new RowWindow()
  window.show(pageOf(0, 3, 3))
  assert.equal(window.replace([lineRow(1, BOB, 'edited')]), true)
  assert.equal(window.replace([lineRow(9, BOB, 'elsewhere')]), false)
  assert.deepEqual(
    window.rows.map(row => row.kind === 'line' && row.text),
    ['0', 'edited', '2'],
  )
  assert.equal(window.arrive([lineRow(2, BOB, 'the same')], 0, false), true)
  assert.equal(window.rows.length, 3)
  assert.equal(window.remove([idOf(0), idOf(9)]), true)
  assert.equal(window.remove([idOf(9)]), false)
  assert.deepEqual(numbersOf(window), [1, 2])
})
