import { SeededRandom } from '../../src/base/seeded-random.js'
import { drawFaultPlan, perform } from '../../src/sim/runs/fault-plan.js'
import { BYZANTINE_FAULTS, STRANGER_FAULTS } from '../../src/sim/world/byzantine-peer.js'
import { MisleadingHost, NETWORK_FAULTS } from '../../src/sim/world/network-attacks.js'
import { ProofRelay } from '../../src/sim/world/proof-relay.js'
import { Violation, World } from '../../src/sim/world/world.js'

const MALLORY = 'mallory'
const FAULTS = [...BYZANTINE_FAULTS, ...STRANGER_FAULTS, ...NETWORK_FAULTS] as const
/** What strangers may use on each disk. */
const STRANGER_BYTES_MAX = 8 * 128 * 1024

/**
 * The plan that the seed draws, with attacks of strangers: a peer with one of all faults dials everybody, and everybody dials a host
 * that leads them back to themselves, or to each other for a while, and one that presents the proofs of others. Rejects with a
 * Violation.
 */
export async function attacksRun(seed: number) {
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
    strangerBytesMax: STRANGER_BYTES_MAX,
  })
  const hosts = (): readonly string[] => honest.map(name => world.peer(name).host.address)
  const misleading = new MisleadingHost(world.network, random, hosts)
  const relay = new ProofRelay(world.network, random, hosts)
  /** Peers that have started again dial the host again. */
  const check = (): void => {
    for (const name of honest) {
      const { room, connectedKeys, author } = world.peer(name)
      room?.connect(misleading.address)
      room?.connect(relay.address)
      if (relay.accepted > 0) throw new Violation(['somebody accepted the proof of another handshake'], world.story())
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
    return { reflected: misleading.reflected, relayed: misleading.relayed, presented: relay.presented }
  } finally {
    misleading.end()
    relay.end()
    world.end()
  }
}
