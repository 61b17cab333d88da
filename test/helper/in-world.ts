import { World, type WorldOptions } from '../../src/sim/world.js'

/** Tells a story in a world whose peers have had a second to find each other. Gives the trace of it. */
export async function inWorld(options: WorldOptions, story: (world: World) => Promise<void>): Promise<string> {
  const world = new World(options)
  try {
    await world.run(1_000)
    await story(world)
  } finally {
    world.end()
  }
  return world.trace.join('\n')
}

/** So many names. */
export const crowdOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `peer${index + 1}`)
