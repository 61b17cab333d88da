import { Violation, type World } from '../../src/sim/world.js'
import { crowdOf, inWorld } from './in-world.js'

const PEERS = 24

/**
 * Peers that know the first alone meet, a quarter of them is killed, one says goodbye: the rest has links enough and not
 * too many, and everybody knows who is there and who is not. Rejects with a Violation.
 */
export const metRun = (seed: number): Promise<string> => {
  const peers = crowdOf(PEERS)
  const names = (name: string) => (name === 'peer1' ? [] : ['peer1'])
  return inWorld({ seed, peers, names, isMeeting: true }, async world => {
    await world.run(20_000)
    check(world, peers, [])
    const killed = peers.slice(0, PEERS / 4)
    for (const name of killed) world.machine(name).crash('killed')
    await world.run(60_000)
    const rest = peers.slice(PEERS / 4)
    check(world, rest, killed)
    const [first = ''] = rest
    void world.machine(first).peer?.close()
    await world.run(2_000)
    check(world, rest.slice(1), [...killed, first])
    world.machine(first).crash('killed')
    await world.converge()
  })
}

function check(world: World, there: readonly string[], gone: readonly string[]): void {
  const faults: string[] = []
  for (const name of there) {
    const { peer, viewSize } = world.machine(name)
    if (viewSize < 8 || viewSize > 17) faults.push(`${name} has ${viewSize} links`)
    const present = new Map(peer?.presence.map(({ author, state }) => [author, state]))
    const stateOf = (other: string) => present.get(world.machine(other).author)
    for (const other of there)
      if (other !== name && !['connected', 'indirect'].includes(stateOf(other) ?? ''))
        faults.push(`${name} takes ${other}, who is there, as ${stateOf(other)}`)
    for (const other of gone.slice(0, PEERS / 4))
      if ((stateOf(other) ?? 'left') !== 'left')
        faults.push(`${name} takes ${other}, who was killed a minute ago, as ${stateOf(other)}`)
    const last = gone.at(-1)
    if (
      last !== undefined &&
      there.length + gone.length === PEERS &&
      gone.length > PEERS / 4 &&
      stateOf(last) !== 'left'
    )
      faults.push(`${name} takes ${last}, who said goodbye, as ${stateOf(last)}`)
  }
  if (faults.length > 0) throw new Violation(faults, world.story())
}
