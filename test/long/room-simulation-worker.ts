// Runs seeds of private rooms in a separate process: `room-simulation-worker <first seed> <count> [steps to keep]`. Prints a report.

import { drawRoomPlan, type RoomPlan } from '../../src/sim/rooms/room-plan.js'
import { runRoomPlan } from '../../src/sim/rooms/room-run.js'
import { minimise, withSteps } from '../../src/sim/runs/minimise.js'
import { Violation } from '../../src/sim/world/world.js'
import type { Fault } from './long-run.js'
import type { Report } from './simulation.js'

const [first = '', count = '', keep] = process.argv.slice(2)
const FAULTS_MAX = 3
/** Runs of a failing plan with fewer steps. */
const TRIES_MAX = 60

const faults: Fault[] = []
let seeds = 0
let steps = 0
let slowestMs = 0

async function violationOf(plan: RoomPlan): Promise<Violation | undefined> {
  try {
    const outcome = await runRoomPlan(plan)
    steps += outcome.steps
    slowestMs = Math.max(slowestMs, outcome.settledMs)
    return undefined
  } catch (error) {
    if (error instanceof Violation) return error
    throw error
  }
}

for (let seed = Number(first); seed < Number(first) + Number(count) && faults.length < FAULTS_MAX; seed++) {
  const plan = drawRoomPlan(seed)
  const kept = keep?.split(',').map(Number)
  const violation = await violationOf(kept === undefined ? plan : withSteps(plan, kept))
  seeds++
  if (violation === undefined) continue
  const isFailing = async (rest: readonly number[]) => (await violationOf(withSteps(plan, rest))) !== undefined
  const left = kept ?? (await minimise(plan, isFailing, TRIES_MAX))
  const smallest = (await violationOf(withSteps(plan, left))) ?? violation
  faults.push({ seed, cycles: 1, keep: left.join(','), text: smallest.message })
}
const report: Report = { seeds, steps, slowestMs, memoryMiB: process.resourceUsage().maxRSS / 1024, faults }
console.log(JSON.stringify(report))
