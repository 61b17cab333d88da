import type { Millis } from '../../base/clock.js'
import { drawRoomPlan, performInRooms, type RoomPlan, type RoomPlanOptions } from './room-plan.js'
import { type RoomSummary, RoomWorld } from './room-world.js'
import type { RoomSchedule } from './schedules/schedule.js'

/** Result of a run. */
export interface RoomOutcome {
  readonly seed: number
  readonly people: number
  readonly steps: number
  readonly settledMs: Millis
  readonly rooms: readonly RoomSummary[]
  readonly virtualMs: Millis
  readonly trace: readonly string[]
}

/** Runs the plan that the seed draws. Rejects with a Violation. */
export const randomRoomRun = (seed: number, options?: RoomPlanOptions): Promise<RoomOutcome> =>
  runRoomPlan(drawRoomPlan(seed, options))

/** Runs a plan. Rejects with a Violation. */
export async function runRoomPlan({ seed, people, aheadMs, network, steps, endMs }: RoomPlan): Promise<RoomOutcome> {
  const world = new RoomWorld({ seed, people, network, aheadMs: name => aheadMs.get(name) ?? 0 })
  try {
    for (const { atMs, action } of steps) {
      await world.run(Math.max(0, atMs - world.elapsedMs))
      await performInRooms(world, action)
    }
    await world.run(Math.max(0, endMs - world.elapsedMs))
    const settledMs = await world.settle()
    const rooms = world.rooms.map(room => world.summaryOf(room))
    return {
      seed,
      people: people.size,
      steps: world.steps,
      settledMs,
      rooms,
      virtualMs: world.elapsedMs,
      trace: world.trace,
    }
  } finally {
    world.end()
  }
}

/** Runs a schedule. Rejects with a Violation. Resolves with the trace. */
export async function runSchedule({ people, run }: RoomSchedule, seed = 1): Promise<readonly string[]> {
  const world = new RoomWorld({ seed, people: new Map(Object.entries(people)) })
  try {
    await world.run(500)
    await run(world)
    return world.trace
  } finally {
    world.end()
  }
}
