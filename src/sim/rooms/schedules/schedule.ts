import type { Character } from '../room-person.js'
import type { RoomWorld } from '../room-world.js'

/** Scripted events in private rooms: the production code over the simulated network. */
export interface RoomSchedule {
  readonly people: Readonly<Record<string, Character>>
  readonly run: (world: RoomWorld) => Promise<void>
}

export type RoomSchedules = Readonly<Record<string, RoomSchedule>>

export const ROOM = 'ops'
export const HONEST = { alice: 'honest', bob: 'honest', carol: 'honest', dave: 'honest' } as const
export const WITH_MALLORY = { alice: 'honest', bob: 'honest', carol: 'honest', mallory: 'Byzantine' } as const

/** Waits long enough for everything sent to arrive. */
export const soon = (world: RoomWorld): Promise<void> => world.run(1_000)

/** `alice` founds a room, and admits the others as hosts, or in the given roles. */
export async function gather(world: RoomWorld, ...others: readonly (readonly [string, 'admin' | 'host' | 'member'])[]) {
  await world.found('alice', ROOM)
  for (const [name, role] of others) await world.enter(name, ROOM, 'alice', role)
  await soon(world)
}

/** Separates all people from each other, performs the acts, then heals the network. */
export async function apart(world: RoomWorld, ...acts: readonly (() => Promise<void>)[]): Promise<void> {
  for (const name of world.names) world.partition([name])
  await soon(world)
  for (const act of acts) await act()
  await soon(world)
  world.heal()
}
