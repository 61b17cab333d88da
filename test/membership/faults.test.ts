import assert from 'node:assert/strict'
import { register } from 'node:module'
import test from 'node:test'
import fc from 'fast-check'
import { checkSet, noFigures, operationSet } from '../helper/membership-sets.js'
import { type Build, importBuild, MembershipWorld } from '../helper/membership-world.js'
import { FAULTS } from './faults.js'
import { SCHEDULES } from './schedules/all.js'

const SETS = 150

register('../helper/membership-fault-hooks.js', import.meta.url, { data: FAULTS })

/** The schedule that finds a fault in a build, or `random sets`; undefined if neither does. Tries the schedule `found` first. */
function finderOf(build: Build, found: string | undefined): string | undefined {
  const first = SCHEDULES.filter(([name]) => name === found)
  for (const [name, run] of first) if (fails(() => run(new MembershipWorld(build)))) return name
  if (setsFail(build)) return 'random sets'
  return SCHEDULES.find(([, run]) => fails(() => run(new MembershipWorld(build))))?.[0]
}

function setsFail(build: Build): boolean {
  const property = fc.property(operationSet, set => checkSet(build, set, noFigures()))
  return fc.check(property, { numRuns: SETS, seed: 1, endOnFailure: true }).failed
}

function fails(action: () => void): boolean {
  try {
    action()
    return false
  } catch {
    return true
  }
}

FAULTS.forEach(({ name, found }, index) => {
  test(`found: ${name}`, async () => {
    assert.equal(finderOf(await importBuild(`?fault=${index}`), found), found ?? 'random sets')
  })
})

test('control: random sets find nothing without a fault', async () => {
  assert.ok(!setsFail(await importBuild('?fault=none')))
})
