import type { LongRun } from './long-run.js'
import { runSeedsOf } from './simulation.js'

const WORKER = new URL('./room-simulation-worker.js', import.meta.url).pathname

/** Runs `cycles` seeds from `seed` on. Minimises failing plans. */
export const roomSimulation: LongRun = {
  name: 'rooms',
  shows: 'members agree, and nobody gets what they should not, under random removals, Byzantine members and crashes',
  cycles: 10_000,
  run: options => runSeedsOf(WORKER, options),
}
