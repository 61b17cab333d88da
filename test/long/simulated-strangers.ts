import { strangerRun } from '../../src/sim/runs/stranger-run.js'
import { Violation } from '../../src/sim/world/world.js'
import type { Fault, LongRun } from './long-run.js'

/** Floods by strangers in virtual time, drawn from a seed each. */
export const simulatedStrangers: LongRun = {
  name: 'simulated-strangers',
  shows: 'strangers who flood a room keep no newcomer out, and take nothing from known people',
  cycles: 1_000,
  async run({ cycles, seed, isOver = () => false }) {
    const faults: Fault[] = []
    let done = 0
    for (; done < cycles && !isOver(); done++) {
      const each = seed + done
      await strangerRun(each).catch(error => {
        if (!(error instanceof Violation)) throw error
        faults.push({ seed: each, cycles: 1, text: error.message })
      })
    }
    return { figures: { seeds: done, failed: faults.length }, faults }
  },
}
