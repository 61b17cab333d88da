import type { Millis } from '../../base/clock.js'
import { minimise, withSteps } from '../runs/minimise.js'
import { Violation } from '../world/world.js'
import { drawRoomPlan, type RoomAction, type RoomPlan, type RoomPlanOptions } from './room-plan.js'
import { runRoomPlan } from './room-run.js'
import type { RoomSummary } from './room-world.js'

/** Largest number of runs that minimise a failing plan. */
const TRIES_MAX = 60

export interface RoomFigures {
  readonly seed: number
  readonly people: number
  readonly byzantine: number
  readonly rooms: readonly RoomSummary[]
  /** Time from the end of the faults until everybody agreed. */
  readonly settledMs: Millis
  readonly virtualMs: Millis
  readonly steps: number
  readonly violations: readonly string[]
  /** The steps that suffice for the violation. */
  readonly needed: readonly { readonly atMs: Millis; readonly action: RoomAction }[]
}

/** Simulates the private rooms that a seed draws. */
export async function simulateRooms(seed: number, options: RoomPlanOptions): Promise<RoomFigures> {
  const plan = drawRoomPlan(seed, options)
  const characters = [...plan.people.values()]
  const counts = {
    seed,
    people: characters.length,
    byzantine: characters.filter(each => each.startsWith('Byzantine')).length,
  }
  const result = await outcomeOf(plan)
  if (!(result instanceof Violation)) return { ...counts, ...result, violations: [], needed: [] }
  const isFailing = async (kept: readonly number[]): Promise<boolean> =>
    (await outcomeOf(withSteps(plan, kept))) instanceof Violation
  const { steps: needed } = withSteps(plan, await minimise(plan, isFailing, TRIES_MAX))
  return { ...counts, rooms: [], settledMs: 0, virtualMs: 0, steps: 0, violations: result.violations, needed }
}

async function outcomeOf(plan: RoomPlan) {
  try {
    const { settledMs, virtualMs, steps, rooms } = await runRoomPlan(plan)
    return { settledMs, virtualMs, steps, rooms }
  } catch (error) {
    if (error instanceof Violation) return error
    throw error
  }
}
