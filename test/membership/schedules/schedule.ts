import type { MembershipWorld, Writer } from '../../helper/membership-world.js'

/** Steps in a room and checks of its members afterwards, by the name of the test. */
export type Schedules = Readonly<Record<string, (world: MembershipWorld) => void>>

/** Admits `count` people with names derived from the writer's. */
export function flood(writer: Writer, count: number, role: 'admin' | 'member' = 'member'): void {
  for (let i = 0; i < count; i++) writer.admit(`${writer.name}.${i}`, role)
}

/** Writers with the names `prefix`0, `prefix`1, … */
export const writers = (world: MembershipWorld, prefix: string, count: number): Writer[] =>
  Array.from({ length: count }, (_, index) => world.writer(`${prefix}${index}`))
