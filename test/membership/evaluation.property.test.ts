import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { checkSet, noFigures, operationSet } from '../helper/membership-sets.js'
import { importBuild } from '../helper/membership-world.js'

const build = await importBuild()

test('random sets of operations give the same membership in any order, with repetitions, and pruned to the retained operations', t => {
  const figures = noFigures()
  fc.assert(
    fc.property(operationSet, set => checkSet(build, set, figures)),
    { numRuns: 1_000 },
  )
  t.diagnostic(JSON.stringify(figures))
  const { removedAdditions, readmissions, settled } = figures
  assert.ok(removedAdditions > 100 && readmissions > 100 && settled > 50, JSON.stringify(figures))
})
