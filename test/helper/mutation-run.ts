// Simulates a mutated program: `mutation-run <mutation | none> <seeds>`. Prints the seed that killed it, and the violation.
import { BUGS, type RunName } from '../simulation/bugs.js'
import { mutantOf } from './mutant.js'

type WorldModule = typeof import('../../src/sim/world/world.js')

const [name = '', seeds = ''] = process.argv.slice(2)
const bug = BUGS.find(bug => bug.name === name)
if (bug === undefined && name !== 'none') throw new Error(`no such mutation: ${name}`)
const program = bug === undefined ? new URL('.', import.meta.url) : mutantOf(bug)

const load = (file: string) => import(new URL(file, program).href)
const runs: Readonly<Record<RunName | 'random', () => Promise<(seed: number) => Promise<unknown>>>> = {
  random: async () => (await load('../../src/sim/runs/random-run.js')).randomRun,
  'joined-segments': async () => (await load('joined-segments-run.js')).joinedSegmentsRun,
  'peer-exchange': async () => (await load('peer-exchange-run.js')).peerExchangeRun,
  presence: async () => (await load('presence-run.js')).presenceRun,
  rooms: async () => (await load('rooms-run.js')).roomsRun,
  contents: async () => (await load('contents-run.js')).contentsRun,
  strangers: async () => (await load('../../src/sim/runs/stranger-run.js')).strangerRun,
  attacks: async () => (await load('attacks-run.js')).attacksRun,
}
const run = await runs[bug?.run ?? 'random']()
const { Violation } = (await load('../../src/sim/world/world.js')) as WorldModule

let killer: { readonly by: number; readonly violation: string | undefined } | undefined
const tries = [
  ...(bug?.killer === undefined ? [] : [bug.killer]),
  ...Array.from({ length: Number(seeds) }, (_, i) => i + 1),
]
for (const seed of tries) {
  if (killer !== undefined) break
  try {
    await run(seed)
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    killer = { by: seed, violation: error.violations[0]?.split('\n')[0] }
  }
}
console.log(JSON.stringify(killer ?? {}))
