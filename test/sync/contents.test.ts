import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import test from 'node:test'
import { promisify } from 'node:util'
import { contentsRun } from '../helper/contents-run.js'
import { MUTANT_OPTIONS } from '../helper/mutant.js'
import { BUGS } from '../simulation/bugs.js'

const RUN = new URL('../helper/mutation-run.js', import.meta.url).pathname

test('fetches, counts and drops content correctly, whatever a Byzantine peer sends', async () => {
  for (let seed = 1; seed <= 5; seed++) await contentsRun(seed)
})

for (const { name } of BUGS.filter(({ run }) => run === 'contents'))
  test(`control: the run fails if a program ${name}`, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [...MUTANT_OPTIONS, RUN, name, '5'])
    assert.ok(JSON.parse(stdout).by !== undefined, stdout)
  })
