import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { ListGeometry } from '../../../src/ui/web/page/list/list-geometry.js'
import { Slots } from '../../../src/ui/web/page/list/slots.js'
import { SEED } from '../../helper/seed.js'

const idsOf = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => `${from + index}`)
/** Largest height that browsers lay out, in CSS pixels. */
const LAYOUT_PX_MAX = 2 ** 25

test('the row at the top of the view does not move when rows around it are loaded and measured', () => {
  const changes = fc.array(
    fc.record({ before: fc.nat(200), after: fc.nat(200), height: fc.integer({ min: 1, max: 900 }), row: fc.nat(600) }),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(changes, fc.nat(100), (all, within) => {
      const geometry = new ListGeometry()
      let from = 500_000
      let to = from + 150
      const around = () => ({ before: from, after: 1_000_000 - to })
      let top = geometry.setRows(idsOf(from, to), around(), 0, 75) + within
      const anchor = geometry.indexAt(top) + from
      const distance = (): number => geometry.topOf(anchor - from) - top
      const wanted = distance()
      for (const { before, after, height, row } of all) {
        from -= before
        to += after
        top += geometry.setRows(idsOf(from, to), around(), top)
        assert.ok(Math.abs(distance() - wanted) < 1e-6, `rows were loaded: ${distance()} instead of ${wanted}`)
        const measured = from + (row % (to - from))
        // A row that extends above the top of the view grows downwards.
        top += geometry.setHeights(new Map([[`${measured}`, height]]), top)
        assert.ok(Math.abs(distance() - wanted) < 1e-6, `a row was measured: ${distance()} instead of ${wanted}`)
        top += geometry.rebase()
        assert.ok(Math.abs(distance() - wanted) < 1e-6, 'the space before the rows was corrected')
        assert.ok(geometry.height < LAYOUT_PX_MAX)
      }
    }),
    { seed: SEED, numRuns: 200 },
  )
})

test('the history begins at 0, and the view scrolls there when its beginning is loaded', () => {
  const geometry = new ListGeometry()
  const top = geometry.setRows(idsOf(100, 200), { before: 100, after: 0 }, 0)
  assert.equal(geometry.topOf(0), top)
  const shift = geometry.setRows(idsOf(0, 200), { before: 0, after: 0 }, top)
  assert.equal(geometry.topOf(0), 0)
  assert.equal(geometry.topOf(100), top + shift)
})

test('maps positions in the scrolled space to positions in the history', () => {
  const geometry = new ListGeometry()
  geometry.setRows(idsOf(400_000, 400_200), { before: 400_000, after: 599_800 }, 0, 0)
  geometry.rebase()
  assert.equal(geometry.placeAt(0), 0)
  assert.equal(geometry.placeAt(geometry.height), 1)
  assert.ok(Math.abs(geometry.placeAt(geometry.topOf(100)) - 0.4001) < 1e-6)
  assert.ok(Math.abs(geometry.placeAt(geometry.origin / 2) - 0.2) < 1e-3)
})

test('finds the rows in view', () => {
  const geometry = new ListGeometry()
  geometry.setRows(idsOf(0, 10), { before: 0, after: 0 }, 0)
  geometry.setHeights(new Map(idsOf(0, 10).map(id => [id, 100])), 0)
  assert.deepEqual(geometry.range(250, 300, 0), { from: 2, to: 6 })
  assert.deepEqual(geometry.range(250, 300, 100), { from: 1, to: 7 })
  assert.deepEqual(geometry.range(0, 5_000, 100), { from: 0, to: 10 })
  assert.deepEqual(new ListGeometry().range(0, 100, 0), { from: 0, to: 0 })
})

test('rows that stay in view keep their elements, and new rows reuse free ones', () => {
  const slots = new Slots()
  assert.deepEqual(slots.assign(['a', 'b', 'c']), [0, 1, 2])
  assert.deepEqual(slots.assign(['b', 'c', 'd']), [1, 2, 0])
  assert.deepEqual(slots.assign(['c']), [2])
  assert.equal(new Set(slots.assign(['x', 'c', 'y', 'z'])).size, 4)
})
