import { Violation, type World } from '../../src/sim/world/world.js'
import { inWorld, peerNames } from './in-world.js'

const PEERS = 6

/**
 * On a line of peers, one restarts, the last is killed, and the first leaves: everyone's presence is right, which all but two peers
 * know of each other through others alone. Rejects with a Violation.
 */
export const presenceRun = (seed: number): Promise<string> => {
  const peers = peerNames(PEERS)
  const dials = (name: string): string[] => peers.slice(Math.max(0, peers.indexOf(name) - 1), peers.indexOf(name))
  return inWorld({ seed, peers, dials }, async world => {
    await world.run(20_000)
    check(world, peers)
    const middle = world.peer('peer3')
    middle.crash('killed')
    middle.start()
    await world.run(10_000)
    check(world, peers)
    const [first = '', ...others] = peers
    const killed = others.pop() ?? ''
    world.peer(killed).crash('power cut')
    await world.run(90_000)
    check(world, [first, ...others], killed)
    void world.peer(first).room?.close()
    await world.run(2_000)
    check(world, others, killed, first)
    world.peer(first).crash('killed')
  })
}

/** The running peers see each other, and nobody who is gone. */
function check(world: World, running: readonly string[], ...gone: readonly string[]): void {
  const faults: string[] = []
  for (const name of running) {
    const present = new Map(world.peer(name).room?.presence.map(({ author, state }) => [author, state]))
    const stateOf = (other: string) => present.get(world.peer(other).author)
    for (const other of running)
      if (other !== name && !['connected', 'indirect'].includes(stateOf(other) ?? ''))
        faults.push(`${name} shows the running ${other} as ${stateOf(other)}`)
    for (const other of gone)
      if ((stateOf(other) ?? 'left') !== 'left')
        faults.push(`${name} shows ${other}, who is gone, as ${stateOf(other)}`)
  }
  if (faults.length > 0) throw new Violation(faults, world.story())
}
