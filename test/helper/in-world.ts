import { World, type WorldOptions } from '../../src/sim/world/world.js'

/** Runs a scenario in a world whose peers had a second to connect. Resolves with the trace. */
export async function inWorld(options: WorldOptions, scenario: (world: World) => Promise<void>): Promise<string> {
  const world = new World(options)
  try {
    await world.run(1_000)
    await scenario(world)
  } finally {
    world.end()
  }
  return world.trace.join('\n')
}

/** Names of `count` peers. */
export const peerNames = (count: number): string[] => Array.from({ length: count }, (_, index) => `peer${index + 1}`)
