import { Violation, type World } from '../../src/sim/world/world.js'
import { inWorld, peerNames } from './in-world.js'

const PEERS = 24

/**
 * Peers that know only the first one find each other. Then a quarter is killed, and one leaves. The number of connections of the others
 * stays within its bounds, and the presence of all is correct. Rejects with a Violation.
 */
export const peerExchangeRun = (seed: number): Promise<string> => {
  const peers = peerNames(PEERS)
  const dials = (name: string) => (name === 'peer1' ? [] : ['peer1'])
  return inWorld({ seed, peers, dials, hasPeerExchange: true }, async world => {
    await world.run(20_000)
    check(world, peers, [])
    const killed = peers.slice(0, PEERS / 4)
    for (const name of killed) world.peer(name).crash('killed')
    await world.run(60_000)
    const rest = peers.slice(PEERS / 4)
    check(world, rest, killed)
    const [first = ''] = rest
    void world.peer(first).room?.close()
    await world.run(2_000)
    check(world, rest.slice(1), [...killed, first])
    world.peer(first).crash('killed')
    await world.converge()
  })
}

function check(world: World, running: readonly string[], gone: readonly string[]): void {
  const faults: string[] = []
  for (const name of running) {
    const { room, activeViewSize } = world.peer(name)
    if (activeViewSize < 8 || activeViewSize > 17) faults.push(`${name} has ${activeViewSize} connections`)
    const present = new Map(room?.presence.map(({ author, state }) => [author, state]))
    const stateOf = (other: string) => present.get(world.peer(other).author)
    for (const other of running)
      if (other !== name && !['connected', 'indirect'].includes(stateOf(other) ?? ''))
        faults.push(`${name} shows the running ${other} as ${stateOf(other)}`)
    for (const other of gone.slice(0, PEERS / 4))
      if ((stateOf(other) ?? 'left') !== 'left')
        faults.push(`${name} shows ${other}, killed a minute ago, as ${stateOf(other)}`)
    const last = gone.at(-1)
    if (
      last !== undefined &&
      running.length + gone.length === PEERS &&
      gone.length > PEERS / 4 &&
      stateOf(last) !== 'left'
    )
      faults.push(`${name} shows ${last}, who left, as ${stateOf(last)}`)
  }
  if (faults.length > 0) throw new Violation(faults, world.story())
}
