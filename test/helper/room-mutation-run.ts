// Simulates private rooms with a mutated program: `room-mutation-run <mutation | none> <seeds>`. Runs the killer of the mutation, then all
// schedules and seeds. Prints what killed it, and the violation.
import { ROOM_BUGS } from '../simulation/room-bugs.js'
import { mutantOf } from './mutant.js'

type Schedules = typeof import('../../src/sim/rooms/schedules/all.js')
type WorldModule = typeof import('../../src/sim/world/world.js')

const [name = '', seeds = ''] = process.argv.slice(2)
const bug = ROOM_BUGS.find(bug => bug.name === name)
if (bug === undefined && name !== 'none') throw new Error(`no such mutation: ${name}`)
const program = bug === undefined ? new URL('.', import.meta.url) : mutantOf(bug)
const load = (file: string) => import(new URL(file, program).href)
const { randomRoomRun, runSchedule } = await load('../../src/sim/rooms/room-run.js')
const { ROOM_SCHEDULES } = (await load('../../src/sim/rooms/schedules/all.js')) as Schedules
const { Violation } = (await load('../../src/sim/world/world.js')) as WorldModule

/** Seeds with which the schedule that kills a mutation is tried: what races depends on them. */
const SEEDS = [1, 2, 3, 4, 5, 6]
const schedules = Object.entries(ROOM_SCHEDULES)
const killer = bug?.killer
const first =
  typeof killer === 'string'
    ? schedules.filter(([called]) => called.startsWith(killer)).flatMap(([called]) => SEEDS.map(() => called))
    : killer === undefined
      ? []
      : [killer]
let seed = 0
const tries = [
  ...first,
  ...(Number(seeds) > 0 ? schedules.map(([called]) => called) : []),
  ...Array.from({ length: Number(seeds) }, (_, index) => index + 1),
]
let killed: { readonly by: string | number; readonly violation: string } | undefined
for (const by of tries) {
  if (killed !== undefined) break
  const schedule = typeof by === 'string' ? ROOM_SCHEDULES[by] : undefined
  try {
    const isKiller = by === killer
    await (schedule === undefined
      ? randomRoomRun(Number(by), { hasRareFaults: !isKiller })
      : runSchedule(schedule, ++seed))
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    killed = { by, violation: (error.violations[0] ?? '').split('\n')[0] ?? '' }
  }
}
console.log(JSON.stringify(killed ?? {}))
