import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { MUTANT_OPTIONS } from '../helper/mutant.js'
import { ROOM_BUGS } from '../simulation/room-bugs.js'
import type { Fault, LongRun } from './long-run.js'
import { runSeedsOf } from './simulation.js'

const WORKER = new URL('./room-simulation-worker.js', import.meta.url).pathname
const MUTATION = new URL('../helper/room-mutation-run.js', import.meta.url).pathname
/** Seeds that a mutation is tried with, if its killer and no schedule kills it. */
const SEEDS_PER_MUTATION = 50

/** Runs `cycles` seeds from `seed` on. Minimises failing plans. */
export const roomSimulation: LongRun = {
  name: 'rooms',
  shows: 'members agree, and nobody gets what they should not, under random removals, Byzantine members and crashes',
  cycles: 10_000,
  run: options => runSeedsOf(WORKER, options),
}

/** Plants each mutation of private rooms. */
export const roomMutations: LongRun = {
  name: 'room-mutations',
  shows: 'the simulation of private rooms kills every mutation',
  cycles: ROOM_BUGS.length,
  run: async ({ cycles, isOver = () => false }) => {
    const faults: Fault[] = []
    let killed = 0
    for (const [index, { name }] of ROOM_BUGS.slice(0, cycles).entries()) {
      if (isOver()) break
      const args = [...MUTANT_OPTIONS, MUTATION, name, String(SEEDS_PER_MUTATION)]
      const { stdout } = await promisify(execFile)(process.execPath, args)
      const { by, violation }: { by?: unknown; violation?: string } = JSON.parse(stdout)
      if (by === undefined) faults.push({ seed: index, cycles: 1, text: `survived: ${name}` })
      else {
        killed++
        console.log(`  ${name} | ${by} | ${violation}`)
      }
    }
    return { figures: { killed, survived: faults.length }, faults }
  },
}
