import type { Millis } from '../base/clock.js'
import { SeededRandom } from '../base/seeded-random.js'
import { type ByzantineFault, FAULTS } from './byzantine-peer.js'
import type { NetworkOptions } from './network.js'
import { namesIn, TOPOLOGIES, type TopologyKind } from './topologies.js'
import type { World } from './world.js'

const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi']
const LIAR = 'mallory'
/** How long peers talk while things go wrong. */
const TROUBLE_MS: Millis = 30_000
const HOUR_MS: Millis = 3_600_000
/** Where somebody floods the others, how many lines he says, and how long they are. */
const FLOOD_LINES = 100
const LONG_LINE_CHARS = 12_000

/** One thing that is done to a world. */
export type Act =
  | { readonly kind: 'say'; readonly who: string; readonly lines: readonly string[] }
  | { readonly kind: 'crash'; readonly who: string; readonly how: 'killed' | 'power cut' }
  | { readonly kind: 'start' | 'sleep' | 'wake'; readonly who: string }
  | { readonly kind: 'cut' | 'reset' | 'freeze'; readonly a: string; readonly b: string }
  | { readonly kind: 'heal' }
  | { readonly kind: 'partition'; readonly group: readonly string[] }
  | { readonly kind: 'fill'; readonly who: string; readonly isFull: boolean }
  | { readonly kind: 'set clock'; readonly who: string; readonly aheadMs: Millis }

interface Step {
  readonly atMs: Millis
  readonly act: Act
}

/** All that a run is made of: drawn whole before it begins, so that any part of it can be left out. */
export interface FaultPlan {
  readonly seed: number
  readonly peers: readonly string[]
  readonly topology: TopologyKind
  readonly names: ReadonlyMap<string, readonly string[]>
  readonly aheadMs: ReadonlyMap<string, Millis>
  readonly network: NetworkOptions
  readonly liars: ReadonlyMap<string, ByzantineFault>
  readonly steps: readonly Step[]
  readonly endMs: Millis
}

/** A plan with faults of every kind, drawn from the seed. */
export function drawFaultPlan(seed: number): FaultPlan {
  const chance = new SeededRandom(seed, 'faults')
  const honest = NAMES.slice(0, chance.whole(3, chance.is(0.2) ? 8 : 5))
  const liars = new Map<string, ByzantineFault>(chance.is(0.4) ? [[LIAR, chance.pick(FAULTS)]] : [])
  const peers = [...honest, ...liars.keys()]
  const topology = chance.pick(TOPOLOGIES)
  // Whoever lies knows everybody, and nobody depends on him.
  const names = new Map([
    ...namesIn(topology, honest, chance),
    ...[...liars.keys()].map(name => [name, honest] as const),
  ])
  const aheadMs = new Map(peers.map(name => [name, chance.is(0.3) ? chance.between(-20, 20) * HOUR_MS : 0]))
  const network = {
    delayMsMin: 1,
    delayMsMax: chance.pick([5, 50, 500]),
    loss: chance.pick([0, 0.02, 0.2]),
    duplicates: chance.pick([0, 0.1]),
  }
  const steps: Step[] = []
  let atMs = chance.between(0, 1_000)
  while (atMs < TROUBLE_MS) {
    steps.push({ atMs, act: drawAct(chance, peers, steps.length) })
    atMs += chance.is(0.5) ? chance.between(0, 20) : chance.between(0, 2_500)
  }
  return { seed, peers, topology, names, aheadMs, network, liars, steps, endMs: atMs }
}

function drawAct(chance: SeededRandom, peers: readonly string[], index: number): Act {
  const who = chance.pick(peers)
  const pair = (): { a: string; b: string } => ({ a: who, b: chance.pick(peers.filter(name => name !== who)) })
  const acts: readonly [weight: number, draw: () => Act][] = [
    [30, () => ({ kind: 'say', who, lines: drawLines(chance, who, index) })],
    [3, () => ({ kind: 'crash', who, how: 'power cut' })],
    [2, () => ({ kind: 'crash', who, how: 'killed' })],
    [6, () => ({ kind: 'start', who })],
    [1, () => ({ kind: 'sleep', who })],
    [2, () => ({ kind: 'wake', who })],
    [2, () => ({ kind: 'cut', ...pair() })],
    [2, () => ({ kind: 'heal' })],
    [1, () => ({ kind: 'partition', group: peers.filter(() => chance.is(0.5)) })],
    [4, () => ({ kind: 'reset', ...pair() })],
    [1, () => ({ kind: 'freeze', ...pair() })],
    [1, () => ({ kind: 'fill', who, isFull: true })],
    [2, () => ({ kind: 'fill', who, isFull: false })],
    [1, () => ({ kind: 'set clock', who, aheadMs: chance.between(-13, 13) * HOUR_MS })],
  ]
  let left = chance.between(
    0,
    acts.reduce((sum, [weight]) => sum + weight, 0),
  )
  const drawn = acts.find(([weight]) => {
    left -= weight
    return left < 0
  })
  return drawn?.[1]() ?? { kind: 'heal' }
}

/** One line, or several at once; now and then so many and long that a link does not take them in one. */
function drawLines(chance: SeededRandom, who: string, index: number): string[] {
  const isFlood = chance.is(0.004)
  const count = isFlood ? FLOOD_LINES : chance.is(0.2) ? chance.whole(2, 20) : 1
  const tail = isFlood ? ` ${'x'.repeat(LONG_LINE_CHARS)}` : ''
  return Array.from({ length: count }, (_, line) => `${who} ${index}.${line + 1}${tail}`)
}

/** Does it. */
export function perform(world: World, act: Act): void {
  switch (act.kind) {
    case 'say':
      for (const line of act.lines) world.machine(act.who).say(line)
      return
    case 'crash':
      world.machine(act.who).crash(act.how)
      return
    case 'start':
    case 'sleep':
    case 'wake':
      world.machine(act.who)[act.kind]()
      return
    case 'cut':
    case 'reset':
    case 'freeze':
      world[act.kind](act.a, act.b)
      return
    case 'heal':
      world.heal()
      return
    case 'partition':
      world.partition(act.group)
      return
    case 'fill':
      world.machine(act.who).fill(act.isFull)
      return
    case 'set clock':
      world.machine(act.who).setClock(act.aheadMs)
  }
}
