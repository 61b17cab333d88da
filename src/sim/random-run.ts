import type { Millis } from '../base/clock.js'
import { drawFaultPlan, type FaultPlan, perform } from './fault-plan.js'
import { World, type WorldOptions } from './world.js'

/** What a run was like. */
export interface Outcome {
  readonly seed: number
  readonly peers: number
  readonly steps: number
  readonly convergedMs: Millis
  readonly trace: readonly string[]
}

/** One run with faults drawn from the seed. Rejects with a Violation. */
export const randomRun = (seed: number): Promise<Outcome> => runPlan(drawFaultPlan(seed))

/** Carries a plan out. Rejects with a Violation. `options` take the place of what the plan says. */
export async function runPlan(plan: FaultPlan, options: Partial<WorldOptions> = {}): Promise<Outcome> {
  const { seed, peers, names, aheadMs, network, liars, steps, endMs } = plan
  const world = new World({
    seed,
    peers,
    names: name => names.get(name) ?? [],
    aheadMs: name => aheadMs.get(name) ?? 0,
    network,
    liars,
    ...options,
  })
  try {
    for (const { atMs, act } of steps) {
      await world.run(Math.max(0, atMs - world.elapsedMs))
      perform(world, act)
    }
    await world.run(Math.max(0, endMs - world.elapsedMs))
    const convergedMs = await world.converge()
    return { seed, peers: peers.length, steps: world.steps, convergedMs, trace: world.trace }
  } finally {
    world.end()
  }
}
