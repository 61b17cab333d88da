import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import test from 'node:test'
import { promisify } from 'node:util'
import { MUTANT_OPTIONS } from '../helper/mutant.js'
import { BUGS } from './bugs.js'

const SEEDS_MAX = 200
const RUN = new URL('../helper/mutation-run.js', import.meta.url).pathname

async function killerOf(name: string, seeds: number): Promise<{ by?: number; violation?: string }> {
  const { stdout } = await promisify(execFile)(process.execPath, [...MUTANT_OPTIONS, RUN, name, String(seeds)])
  return JSON.parse(stdout)
}

test('control: no seed fails without a mutation', async () => {
  assert.deepEqual(await killerOf('none', 5), {}) // test/simulation/random runs many more
})

/** The long run `mutations` plants all. */
test('the simulation finds mutations of the most important code', { concurrency: 2 }, async t => {
  await Promise.all(
    BUGS.filter(({ isUsual }) => isUsual).map(({ name }) =>
      t.test(`killed: ${name}`, async t => {
        const { by, violation } = await killerOf(name, SEEDS_MAX)
        t.diagnostic(`${name} | ${by} | ${violation}`)
        assert.notEqual(by, undefined, `survived ${SEEDS_MAX} seeds`)
      }),
    ),
  )
})
