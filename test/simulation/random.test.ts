import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { drawFaultPlan } from '../../src/sim/fault-plan.js'
import { keeping, shrink } from '../../src/sim/minimise.js'
import { randomRun, runPlan } from '../../src/sim/random-run.js'
import { Violation } from '../../src/sim/world.js'
import type { Regression } from '../long/simulation.js'

const SEEDS = 500
/** Each is a test of its own, so that several processes' worth of time is not spent in one. */
const SEEDS_PER_TEST = 100

for (let first = 1; first <= SEEDS; first += SEEDS_PER_TEST) {
  const last = first + SEEDS_PER_TEST - 1
  test(`seeds ${first} to ${last}: whatever fails, nothing is lost, forged or told twice, and all agree`, async () => {
    for (let seed = first; seed <= last; seed++) {
      await randomRun(seed).catch(error => {
        throw new Error(`again: npm run test:long -- --only simulation --cycles 1 --seed ${seed}\n${error.message}`)
      })
    }
  })
}

test('the same seed gives the same trace, to the byte', async () => {
  for (const seed of [7, 11, 13]) {
    const [first, second] = [await randomRun(seed), await randomRun(seed)]
    assert.equal(first.trace.join('\n'), second.trace.join('\n'))
    assert.equal(first.steps, second.steps)
  }
})

/** Each found a fault, which `bugs.ts` plants again: the test of the planted bugs shows that they still find it. */
const regressions: Regression[] = JSON.parse(await readFile('test/simulation/regressions.json', 'utf8'))

for (const { seed, found } of regressions) {
  test(`seed ${seed}, which found that ${found}`, async () => void (await randomRun(seed)))
}

test('a failing run is shrunk to the few steps that it needs', async () => {
  const plan = drawFaultPlan(3)
  const isCrash = plan.steps.flatMap(({ act }, index) => (act.kind === 'crash' ? [index] : []))
  const needed = [isCrash[0] ?? 0, isCrash[1] ?? 0]
  const left = await shrink(plan, async kept => needed.every(step => kept.includes(step)))
  assert.deepEqual(left, needed)
  // Steps keep their times: what is left of a plan can be run by itself.
  assert.deepEqual(
    keeping(plan, left).steps,
    needed.map(step => plan.steps[step]),
  )
  await runPlan(keeping(plan, left))
})

test('a violation is told with what led there', async () => {
  const plan = drawFaultPlan(5)
  const isForgotten = { ...plan, steps: plan.steps.slice(0, 20), liars: new Map([...plan.liars]) }
  await assert.rejects(
    runPlan(isForgotten, { names: () => [] }),
    (error: unknown) =>
      error instanceof Violation &&
      /hold different logs/.test(error.message) &&
      /what led there:\n[\d.]+ \w+ /.test(error.message),
  )
})
