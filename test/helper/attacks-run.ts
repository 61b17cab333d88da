import { SeededRandom } from '../../src/base/seeded-random.js'
import { drawFaultPlan, perform } from '../../src/sim/runs/fault-plan.js'
import { MisleadingHost, NETWORK_FAULTS } from '../../src/sim/world/network-attacks.js'
import { Violation, World } from '../../src/sim/world/world.js'

const MALLORY = 'mallory'
const FAULTS = ['makes up heads', 'makes up authors', 'makes up gaps', ...NETWORK_FAULTS] as const

/**
 * The plan that the seed draws, with attacks on the network: a peer that makes up heads, authors or contacts dials everybody, and
 * everybody dials a host that leads them back to themselves, or to each other for a while. Rejects with a Violation.
 */
export async function attacksRun(seed: number): Promise<{ readonly reflected: number; readonly relayed: number }> {
  const { peers, byzantine, dials, aheadMs, network, steps, endMs } = drawFaultPlan(seed)
  const random = new SeededRandom(seed, 'attacks')
  const honest = peers.filter(name => !byzantine.has(name))
  const world = new World({
    seed,
    peers: [...honest, MALLORY],
    dials: name => (name === MALLORY ? honest : (dials.get(name) ?? []).filter(other => honest.includes(other))),
    aheadMs: name => aheadMs.get(name) ?? 0,
    network,
    byzantine: new Map([[MALLORY, random.pick(FAULTS)]]),
    hasPeerExchange: true,
  })
  const misleading = new MisleadingHost(world.network, random, () => honest.map(name => world.peer(name).host.address))
  /** Peers that have started again dial the host again. */
  const check = (): void => {
    for (const name of honest) {
      const { room, connectedKeys, author } = world.peer(name)
      room?.connect(misleading.address)
      if (connectedKeys.includes(author)) throw new Violation([`${name} is connected to itself`], world.story())
    }
  }
  try {
    for (const { atMs, action } of steps) {
      await world.run(Math.max(0, atMs - world.elapsedMs))
      check()
      perform(world, action)
    }
    await world.run(Math.max(0, endMs - world.elapsedMs))
    misleading.stopRelaying()
    check()
    await world.converge()
    check()
    return { reflected: misleading.reflected, relayed: misleading.relayed }
  } finally {
    misleading.end()
    world.end()
  }
}
