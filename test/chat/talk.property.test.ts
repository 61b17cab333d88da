import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { talkFault } from '../helper/talk-world.js'
import { TALK_BUGS } from './talk-bugs.js'

const RUN = fileURLToPath(new URL('../helper/talk-run.js', import.meta.url))
/** More are in the long run `talk`. */
const SCHEDULES = 250
/** A planted bug shows within so many schedules. */
const KILLED_WITHIN = 200

test('four peers show the same unread counts, reactions and edits, and keep nothing that was erased', async t => {
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const fault = await talkFault(seed)
    assert.equal(fault, undefined, `seed ${seed}`)
  }
  t.diagnostic(`${SCHEDULES} schedules`)
})

for (const { name } of TALK_BUGS)
  test(`finds that ${name}`, t => {
    const { stdout, stderr } = spawnSync(process.execPath, [RUN, name, String(KILLED_WITHIN)], { encoding: 'utf8' })
    const { seed, fault } = JSON.parse(stdout || '{}')
    assert.ok(seed, `survived ${KILLED_WITHIN} schedules ${stderr}`)
    t.diagnostic(`seed ${seed}: ${String(fault).slice(0, 80)}`)
  })
