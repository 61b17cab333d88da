import { SeededRandom } from '../../src/base/seeded-random.js'
import { drawFaultPlan, perform } from '../../src/sim/runs/fault-plan.js'
import { World } from '../../src/sim/world/world.js'

/**
 * The plan that the seed draws, with further rooms over the same connections: everybody honest is in `ops`, two who dial each other
 * are in `dev`. Rooms are closed and opened again meanwhile. Rejects with a Violation.
 */
export async function roomsRun(seed: number): Promise<{ readonly lines: number; readonly reopened: number }> {
  const { peers, byzantine, dials, aheadMs, network, steps, endMs } = drawFaultPlan(seed)
  const random = new SeededRandom(seed, 'rooms')
  const honest = peers.filter(name => !byzantine.has(name))
  const pairs = honest.flatMap(name =>
    (dials.get(name) ?? []).flatMap(other => (honest.includes(other) ? [[name, other]] : [])),
  )
  const sideRooms = new Map([
    ['ops', honest],
    ['dev', random.pick(pairs)],
  ])
  const world = new World({
    seed,
    peers,
    dials: name => dials.get(name) ?? [],
    aheadMs: name => aheadMs.get(name) ?? 0,
    network,
    byzantine,
    sideRooms,
  })
  let [lines, reopened] = [0, 0]
  try {
    for (const { atMs, action } of steps) {
      await world.run(Math.max(0, atMs - world.elapsedMs))
      perform(world, action)
      for (const name of honest) {
        const peer = world.peer(name)
        if (!peer.isReady || peer.host.isAsleep) continue
        for (const [room, side] of peer.sideRooms) {
          if (!side.isOpen) {
            if (!random.is(0.5)) continue
            peer.openSideRoom(room)
            reopened++
          } else if (action.kind === 'say' && action.peer === name && random.is(0.6))
            for (const line of action.lines) side.say(`${line}, ${lines++}`)
          else if (random.is(0.02)) side.close()
        }
      }
    }
    await world.run(Math.max(0, endMs - world.elapsedMs))
    await world.converge()
    return { lines, reopened }
  } finally {
    world.end()
  }
}
