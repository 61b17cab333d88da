import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { MUTANT_OPTIONS } from '../helper/mutant.js'
import { BUGS } from '../simulation/bugs.js'
import { ROOM_BUGS } from '../simulation/room-bugs.js'
import type { Fault, LongRun } from './long-run.js'

/** Plants each mutation of the lobby's program. */
export const mutations = mutationRun({
  name: 'mutations',
  shows: 'the simulation kills every mutation',
  script: 'mutation-run',
  bugs: BUGS,
  seeds: 200,
})

/** Plants each mutation of private rooms. */
export const roomMutations = mutationRun({
  name: 'room-mutations',
  shows: 'the simulation of private rooms kills every mutation',
  script: 'room-mutation-run',
  bugs: ROOM_BUGS,
  seeds: 50,
})

interface MutationRun {
  readonly name: string
  readonly shows: string
  /** The program in test/helper that runs with a mutation. */
  readonly script: string
  readonly bugs: readonly { readonly name: string }[]
  /** Seeds to try with a mutation that its killer does not kill. */
  readonly seeds: number
}

function mutationRun({ name, shows, script, bugs, seeds }: MutationRun): LongRun {
  const file = fileURLToPath(new URL(`../helper/${script}.js`, import.meta.url))
  const run: LongRun['run'] = async ({ cycles, isOver = () => false }) => {
    const faults: Fault[] = []
    let killed = 0
    for (const [index, bug] of bugs.slice(0, cycles).entries()) {
      if (isOver()) break
      const { stdout } = await promisify(execFile)(process.execPath, [...MUTANT_OPTIONS, file, bug.name, String(seeds)])
      const { by, violation }: { by?: unknown; violation?: string } = JSON.parse(stdout)
      if (by === undefined) faults.push({ seed: index, cycles: 1, text: `survived: ${bug.name}` })
      else {
        killed++
        console.log(`  ${bug.name} | ${by} | ${violation}`)
      }
    }
    return { figures: { killed, survived: faults.length }, faults }
  }
  return { name, shows, cycles: bugs.length, run }
}
