import { strangerRun } from '../../src/sim/runs/stranger-run.js'
import { Violation } from '../../src/sim/world/world.js'
import { attacksRun } from '../helper/attacks-run.js'
import type { Fault, LongRun } from './long-run.js'

/** Runs in virtual time, each drawn from a seed: a flood by strangers, and a random plan with strangers of every fault. */
export const simulatedStrangers: LongRun = {
  name: 'simulated-strangers',
  shows: 'strangers who flood a room or lie keep no newcomer out, mute nobody, and take nothing from known people',
  cycles: 1_000,
  async run({ cycles, seed, isOver = () => false }) {
    const faults: Fault[] = []
    let done = 0
    for (; done < cycles && !isOver(); done++) {
      const each = seed + done
      for (const run of [strangerRun, attacksRun])
        await run(each).catch(error => {
          if (!(error instanceof Violation)) throw error
          faults.push({ seed: each, cycles: 1, text: error.message })
        })
    }
    return { figures: { seeds: done, failed: faults.length }, faults }
  },
}
