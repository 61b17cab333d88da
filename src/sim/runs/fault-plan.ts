import type { Millis } from '../../base/clock.js'
import { SeededRandom } from '../../base/seeded-random.js'
import type { NetworkOptions } from '../virtual/network.js'
import { BYZANTINE_FAULTS, type ByzantineFault } from '../world/byzantine-peer.js'
import type { World } from '../world/world.js'
import { dialledPeersIn, TOPOLOGIES, type TopologyKind } from './topologies.js'

const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi']
const BYZANTINE = 'mallory'
/** Duration of the faults. */
const FAULTS_MS: Millis = 30_000
const HOUR_MS: Millis = 3_600_000
/** Number and length of the lines of a burst that exceeds one flow-control window. */
const FLOOD_LINES = 100
const LONG_LINE_CHARS = 12_000

/** One action on a world. */
export type Action =
  | { readonly kind: 'say'; readonly peer: string; readonly lines: readonly string[] }
  | { readonly kind: 'crash'; readonly peer: string; readonly how: 'killed' | 'power cut' }
  | { readonly kind: 'start' | 'sleep' | 'wake'; readonly peer: string }
  | { readonly kind: 'cut' | 'reset' | 'freeze'; readonly a: string; readonly b: string }
  | { readonly kind: 'heal' }
  | { readonly kind: 'partition'; readonly group: readonly string[] }
  | { readonly kind: 'fill'; readonly peer: string; readonly isFull: boolean }
  | { readonly kind: 'set clock'; readonly peer: string; readonly aheadMs: Millis }

interface Step {
  readonly atMs: Millis
  readonly action: Action
}

/** A complete run. It is drawn before it starts, so that a minimised plan can omit steps. */
export interface FaultPlan {
  readonly seed: number
  readonly peers: readonly string[]
  readonly topology: TopologyKind
  readonly dials: ReadonlyMap<string, readonly string[]>
  readonly aheadMs: ReadonlyMap<string, Millis>
  readonly network: NetworkOptions
  readonly byzantine: ReadonlyMap<string, ByzantineFault>
  readonly steps: readonly Step[]
  readonly endMs: Millis
}

/** Draws a plan with faults of every kind from the seed. */
export function drawFaultPlan(seed: number): FaultPlan {
  const random = new SeededRandom(seed, 'faults')
  const honest = NAMES.slice(0, random.whole(3, random.is(0.2) ? 8 : 5))
  const byzantine = new Map<string, ByzantineFault>(random.is(0.4) ? [[BYZANTINE, random.pick(BYZANTINE_FAULTS)]] : [])
  const peers = [...honest, ...byzantine.keys()]
  const topology = random.pick(TOPOLOGIES)
  // The Byzantine peer dials everyone, and no peer depends on it.
  const dials = new Map([
    ...dialledPeersIn(topology, honest, random),
    ...[...byzantine.keys()].map(name => [name, honest] as const),
  ])
  const aheadMs = new Map(peers.map(name => [name, random.is(0.3) ? random.between(-20, 20) * HOUR_MS : 0]))
  const network = {
    delayMsMin: 1,
    delayMsMax: random.pick([5, 50, 500]),
    loss: random.pick([0, 0.02, 0.2]),
    duplicates: random.pick([0, 0.1]),
  }
  const steps: Step[] = []
  let atMs = random.between(0, 1_000)
  while (atMs < FAULTS_MS) {
    steps.push({ atMs, action: drawAction(random, peers, steps.length) })
    atMs += random.is(0.5) ? random.between(0, 20) : random.between(0, 2_500)
  }
  return { seed, peers, topology, dials, aheadMs, network, byzantine, steps, endMs: atMs }
}

function drawAction(random: SeededRandom, peers: readonly string[], index: number): Action {
  const peer = random.pick(peers)
  const pair = (): { a: string; b: string } => ({ a: peer, b: random.pick(peers.filter(name => name !== peer)) })
  const actions: readonly [weight: number, draw: () => Action][] = [
    [30, () => ({ kind: 'say', peer, lines: drawLines(random, peer, index) })],
    [3, () => ({ kind: 'crash', peer, how: 'power cut' })],
    [2, () => ({ kind: 'crash', peer, how: 'killed' })],
    [6, () => ({ kind: 'start', peer })],
    [1, () => ({ kind: 'sleep', peer })],
    [2, () => ({ kind: 'wake', peer })],
    [2, () => ({ kind: 'cut', ...pair() })],
    [2, () => ({ kind: 'heal' })],
    [1, () => ({ kind: 'partition', group: peers.filter(() => random.is(0.5)) })],
    [4, () => ({ kind: 'reset', ...pair() })],
    [1, () => ({ kind: 'freeze', ...pair() })],
    [1, () => ({ kind: 'fill', peer, isFull: true })],
    [2, () => ({ kind: 'fill', peer, isFull: false })],
    [1, () => ({ kind: 'set clock', peer, aheadMs: random.between(-13, 13) * HOUR_MS })],
  ]
  let left = random.between(
    0,
    actions.reduce((sum, [weight]) => sum + weight, 0),
  )
  const drawn = actions.find(([weight]) => {
    left -= weight
    return left < 0
  })
  return drawn?.[1]() ?? { kind: 'heal' }
}

/** One line or several at once; occasionally a burst that exceeds one flow-control window. */
function drawLines(random: SeededRandom, peer: string, index: number): string[] {
  const isFlood = random.is(0.004)
  const count = isFlood ? FLOOD_LINES : random.is(0.2) ? random.whole(2, 20) : 1
  const tail = isFlood ? ` ${'x'.repeat(LONG_LINE_CHARS)}` : ''
  return Array.from({ length: count }, (_, line) => `${peer} ${index}.${line + 1}${tail}`)
}

/** Performs an action. */
export function perform(world: World, action: Action): void {
  switch (action.kind) {
    case 'say':
      for (const line of action.lines) world.peer(action.peer).say(line)
      return
    case 'crash':
      world.peer(action.peer).crash(action.how)
      return
    case 'start':
    case 'sleep':
    case 'wake':
      world.peer(action.peer)[action.kind]()
      return
    case 'cut':
    case 'reset':
    case 'freeze':
      world[action.kind](action.a, action.b)
      return
    case 'heal':
      world.heal()
      return
    case 'partition':
      world.partition(action.group)
      return
    case 'fill':
      world.peer(action.peer).fill(action.isFull)
      return
    case 'set clock':
      world.peer(action.peer).setClock(action.aheadMs)
  }
}
