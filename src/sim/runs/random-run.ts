import type { Millis } from '../../base/clock.js'
import { World, type WorldOptions } from '../world/world.js'
import { drawFaultPlan, type FaultPlan, perform } from './fault-plan.js'

/** Result of a run. */
export interface Outcome {
  readonly seed: number
  readonly peers: number
  readonly steps: number
  readonly convergedMs: Millis
  readonly trace: readonly string[]
}

/** Runs the plan that the seed draws. Rejects with a Violation. */
export const randomRun = (seed: number): Promise<Outcome> => runPlan(drawFaultPlan(seed))

/** Runs a plan. `options` override the options of the plan. Rejects with a Violation. */
export async function runPlan(plan: FaultPlan, options: Partial<WorldOptions> = {}): Promise<Outcome> {
  const { seed, peers, dials, aheadMs, network, byzantine, steps, endMs } = plan
  const world = new World({
    seed,
    peers,
    dials: name => dials.get(name) ?? [],
    aheadMs: name => aheadMs.get(name) ?? 0,
    network,
    byzantine,
    ...options,
  })
  try {
    for (const { atMs, action } of steps) {
      await world.run(Math.max(0, atMs - world.elapsedMs))
      perform(world, action)
    }
    await world.run(Math.max(0, endMs - world.elapsedMs))
    const convergedMs = await world.converge()
    return { seed, peers: peers.length, steps: world.steps, convergedMs, trace: world.trace }
  } finally {
    world.end()
  }
}
