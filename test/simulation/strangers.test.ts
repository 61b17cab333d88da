import test from 'node:test'
import { strangerRun } from '../../src/sim/runs/stranger-run.js'

// `npm run test:long -- --only simulated-strangers` runs any number of seeds.
for (const seed of [3, 6, 8])
  test(`strangers who flood a room keep no newcomer out, and take nothing from known people, seed ${seed}`, () =>
    strangerRun(seed))
