import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { drawFaultPlan } from '../../src/sim/runs/fault-plan.js'
import { minimise, withSteps } from '../../src/sim/runs/minimise.js'
import { randomRun, runPlan } from '../../src/sim/runs/random-run.js'
import { Violation } from '../../src/sim/world/world.js'
import { type Regression, runSeeds } from '../long/simulation.js'

/** More are in the long run `simulation`. */
const SEEDS = 100
const SEEDS_PER_TEST = 50

for (let first = 1; first <= SEEDS; first += SEEDS_PER_TEST) {
  const last = first + SEEDS_PER_TEST - 1
  test(`random faults, seeds ${first} to ${last}: nothing is lost, forged or duplicated, and all peers converge`, async () => {
    // In a process of their own, because the test runner follows every promise, which takes a sixth of the time.
    const { seeds, faults } = await runSeeds(first, SEEDS_PER_TEST)
    const texts = faults.map(
      ({ seed, text }) => `again: npm run test:long -- --only simulation --cycles 1 --seed ${seed}\n${text}`,
    )
    assert.deepEqual(texts, [])
    assert.equal(seeds, SEEDS_PER_TEST)
  })
}

test('the same seed gives the same trace', async () => {
  for (const seed of [7, 11, 13]) {
    const [first, second] = [await randomRun(seed), await randomRun(seed)]
    assert.equal(first.trace.join('\n'), second.trace.join('\n'))
    assert.equal(first.steps, second.steps)
  }
})

/** Seeds that found a fault. `bugs.ts` has a mutation for each, which the seed must still kill. */
const regressions: Regression[] = JSON.parse(await readFile('test/simulation/regressions.json', 'utf8'))

for (const { seed, found } of regressions) {
  test(`regression, seed ${seed}: ${found}`, async () => void (await randomRun(seed)))
}

test('minimises a failing plan to the steps that it needs', async () => {
  const plan = drawFaultPlan(3)
  const isCrash = plan.steps.flatMap(({ action }, index) => (action.kind === 'crash' ? [index] : []))
  const needed = [isCrash[0] ?? 0, isCrash[1] ?? 0]
  const left = await minimise(plan, async kept => needed.every(step => kept.includes(step)))
  assert.deepEqual(left, needed)
  // Steps keep their times, so a minimised plan can be run.
  assert.deepEqual(
    withSteps(plan, left).steps,
    needed.map(step => plan.steps[step]),
  )
  await runPlan(withSteps(plan, left))
})

test('reports a violation with its trace', async () => {
  const plan = drawFaultPlan(5)
  const shortened = { ...plan, steps: plan.steps.slice(0, 20), byzantine: new Map(plan.byzantine) }
  await assert.rejects(
    runPlan(shortened, { dials: () => [] }),
    (error: unknown) =>
      error instanceof Violation &&
      /have different logs/.test(error.message) &&
      /trace:\n[\d.]+ \w+ /.test(error.message),
  )
})
