import type { Millis } from '../../base/clock.js'
import { SeededRandom } from '../../base/seeded-random.js'
import type { RoomWorld } from './room-world.js'

/**
 * Actions that only few runs have: old copies, second machines with the same key, rescue words, floods of operations.
 */
export type RareRoomAction =
  | { readonly kind: 'back up' | 'restore' | 'confirm'; readonly peer: string; readonly room: string }
  | { readonly kind: 'second machine'; readonly peer: string }
  | { readonly kind: 'rescue'; readonly peer: string; readonly room: string }
  | { readonly kind: 'flood'; readonly peer: string; readonly room: string }

interface RareStep {
  readonly atMs: Millis
  readonly action: RareRoomAction
}

interface RareCast {
  readonly honest: readonly string[]
  readonly byzantine: readonly string[]
  readonly rooms: readonly string[]
  readonly fromMs: Millis
  readonly endMs: Millis
}

/** Share of the runs that have each rare step. */
const CHANCE = 0.15

/** Draws the rare steps of a run from a random stream of their own, so that the other steps of a seed stay the same. */
export function rareSteps(seed: number, { honest, byzantine, rooms, fromMs, endMs }: RareCast): RareStep[] {
  const random = new SeededRandom(seed, 'rare steps')
  const steps: RareStep[] = []
  const room = random.pick(rooms)
  const moment = (after = fromMs): Millis => random.between(after, endMs)
  if (random.is(CHANCE)) {
    const peer = random.pick(honest)
    const backUpMs = moment()
    const restoreMs = moment(backUpMs)
    steps.push({ atMs: backUpMs, action: { kind: 'back up', peer, room } })
    steps.push({ atMs: restoreMs, action: { kind: 'restore', peer, room } })
    if (random.is(0.3)) steps.push({ atMs: moment(restoreMs), action: { kind: 'confirm', peer, room } })
  }
  if (random.is(CHANCE)) steps.push({ atMs: moment(), action: { kind: 'second machine', peer: random.pick(honest) } })
  const others = honest.slice(1)
  if (random.is(CHANCE / 2) && others.length > 0)
    steps.push({ atMs: moment(), action: { kind: 'rescue', peer: random.pick(others), room } })
  if (random.is(CHANCE) && byzantine.length > 0)
    steps.push({ atMs: moment(), action: { kind: 'flood', peer: random.pick(byzantine), room } })
  return steps
}

export async function performRarely(world: RoomWorld, action: RareRoomAction): Promise<void> {
  const { peer } = action
  switch (action.kind) {
    case 'back up':
      return world.backUp(peer, action.room)
    case 'restore':
      return world.goBack(peer, action.room)
    case 'confirm':
      return void world.seat(peer, action.room)?.confirm()
    case 'second machine':
      return world.copyMachine(peer)
    case 'rescue':
      return void world.seat(peer, action.room)?.rescue(world.rescueKeys(action.room))
    case 'flood':
      return world.misbehave(peer, action.room, 'floods operations')
  }
}
