import assert from 'node:assert/strict'
import test from 'node:test'
import { jobStateIn } from '../../src/ui/terminal/foreground.js'

/** The beginning of /proc/<pid>/stat: pid, name, state, parent, group, session, terminal, foreground group. */
const stat = (group: number, session: number, foreground: number): string =>
  `4711 (no) de (1)) S 1 ${group} ${session} 34816 ${foreground} 4194304 0`

test('is in the foreground when its process group has the terminal', () => {
  assert.deepEqual(jobStateIn(stat(20, 10, 20)), { isInForeground: true, isJob: true })
  assert.deepEqual(jobStateIn(stat(20, 10, 10)), { isInForeground: false, isJob: true })
})

test('is in the foreground without a terminal', () => {
  assert.equal(jobStateIn(stat(20, 10, -1)).isInForeground, true)
})

test('is not a job if its group leads the session', () => {
  assert.deepEqual(jobStateIn(stat(10, 10, 10)), { isInForeground: true, isJob: false })
})
