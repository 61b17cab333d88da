import type { Millis } from '../base/clock.js'
import { Chance } from './chance.js'
import { World, type WorldOptions } from './world.js'

const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi']
/** How long peers talk while things go wrong. */
const TROUBLE_MS: Millis = 60_000
const CONVERGENCE_MS_MAX: Millis = 60_000
const HOUR_MS: Millis = 3_600_000

/** What a run was like. */
export interface Outcome {
  readonly seed: number
  readonly peers: number
  readonly lines: number
  readonly steps: number
  readonly convergedMs: Millis
  readonly trace: readonly string[]
}

/** Who names whom: nobody is left out, for somebody names him or he names somebody. */
function topology(chance: Chance, peers: readonly string[]): (name: string) => readonly string[] {
  const kind = chance.pick(['line', 'ring', 'star', 'mesh'])
  const count = peers.length
  return name => {
    const index = peers.indexOf(name)
    const at = (place: number): string[] => peers.slice(place, place + 1)
    switch (kind) {
      case 'line':
        return index === 0 ? [] : at(index - 1)
      case 'ring':
        return [...at((index + 1) % count), ...at((index + count - 1) % count)].filter(other => other !== name)
      case 'star':
        return index === 0 ? [] : at(0)
      default:
        return peers.filter(other => other !== name)
    }
  }
}

/** One run with faults drawn from the seed. Rejects with a Violation. `options` take the place of what was drawn. */
export async function randomRun(seed: number, options: Partial<WorldOptions> = {}): Promise<Outcome> {
  const chance = new Chance(seed, 'faults')
  const peers = NAMES.slice(0, chance.whole(3, 6))
  const skews = new Map(peers.map(name => [name, chance.is(0.3) ? chance.between(-20, 20) * HOUR_MS : 0]))
  const world = new World({
    seed,
    peers,
    names: topology(chance, peers),
    aheadMs: name => skews.get(name) ?? 0,
    network: { delayMsMin: 1, delayMsMax: chance.pick([5, 50, 500]), loss: chance.pick([0, 0.02, 0.2]) },
    ...options,
  })
  let lines = 0
  const actions: [weight: number, act: () => void][] = [
    [
      30,
      () => {
        const name = chance.pick(peers)
        for (let left = chance.is(0.2) ? chance.whole(2, 20) : 1; left > 0; left--) {
          if (world.isReady(name)) lines++
          world.say(name, `${name} ${lines}`)
        }
      },
    ],
    [3, () => world.crash(chance.pick(peers), 'power cut')],
    [2, () => world.crash(chance.pick(peers), 'killed')],
    [6, () => world.start(chance.pick(peers))],
    [2, () => pair((a, b) => world.cut(a, b))],
    [2, () => world.heal()],
    [1, () => world.partition(peers.filter(() => chance.is(0.5)))],
    [2, () => pair((a, b) => world.reset(a, b))],
    [1, () => pair((a, b) => world.freeze(a, b))],
    [1, () => world.fill(chance.pick(peers), true)],
    [2, () => world.fill(chance.pick(peers), false)],
    [1, () => world.setClock(chance.pick(peers), chance.between(-13, 13) * HOUR_MS)],
  ]
  const pair = (act: (a: string, b: string) => void): void => {
    const a = chance.pick(peers)
    act(a, chance.pick(peers.filter(name => name !== a)))
  }
  const total = actions.reduce((sum, [weight]) => sum + weight, 0)
  try {
    await world.run(chance.between(0, 1_000))
    while (world.elapsedMs < TROUBLE_MS) {
      let left = chance.between(0, total)
      actions.find(([weight]) => {
        left -= weight
        return left < 0
      })?.[1]()
      await world.run(chance.is(0.5) ? chance.between(0, 20) : chance.between(0, 2_500))
    }
    const convergedMs = await world.converge(CONVERGENCE_MS_MAX)
    return { seed, peers: peers.length, lines, steps: world.steps, convergedMs, trace: world.trace }
  } finally {
    world.end()
  }
}
