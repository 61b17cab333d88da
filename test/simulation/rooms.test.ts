import assert from 'node:assert/strict'
import { test } from 'node:test'
import { roomsRun } from '../helper/rooms-run.js'

const SEEDS = 20

test('rooms over shared connections keep their lines apart, lose none, and converge, whatever fails', async () => {
  let [lines, reopened] = [0, 0]
  for (let seed = 1; seed <= SEEDS; seed++) {
    const run = await roomsRun(seed)
    lines += run.lines
    reopened += run.reopened
  }
  assert.ok(lines > 20 * SEEDS && reopened > SEEDS, `${lines} lines, ${reopened} rooms opened again`)
})
