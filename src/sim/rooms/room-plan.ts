import type { Millis } from '../../base/clock.js'
import { SeededRandom } from '../../base/seeded-random.js'
import type { GivenRole } from '../../membership/format/role.js'
import type { NetworkOptions } from '../virtual/network.js'
import { MISBEHAVIOURS, type Misbehaviour } from './misbehaviour.js'
import { performRarely, type RareRoomAction, rareSteps } from './rare-steps.js'
import type { Character } from './room-person.js'
import type { RoomWorld } from './room-world.js'

const HONEST = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']
const BYZANTINE = ['mallory', 'trudy']
const OUTSIDER = 'oscar'
const ROOMS = ['ops', 'dev']
/** Time when the initial people have joined. */
const GATHERED_MS: Millis = 3_000
const FAULTS_MS: Millis = 10_000
const HOUR_MS: Millis = 3_600_000

/** One action in a world of private rooms. */
export type RoomAction =
  | { readonly kind: 'found'; readonly peer: string; readonly room: string; readonly hasRescue: boolean }
  | {
      readonly kind: 'invite'
      readonly peer: string
      readonly room: string
      readonly code: number
      readonly role: GivenRole
      readonly uses: number
      readonly forMs: Millis
    }
  | { readonly kind: 'join'; readonly peer: string; readonly code: number }
  | { readonly kind: 'say'; readonly peer: string; readonly room: string; readonly lines: readonly string[] }
  | { readonly kind: 'remove'; readonly peer: string; readonly room: string; readonly subject: string }
  | {
      readonly kind: 'admit'
      readonly peer: string
      readonly room: string
      readonly subject: string
      readonly role: GivenRole
    }
  | { readonly kind: 'leave'; readonly peer: string; readonly room: string }
  | { readonly kind: 'misbehave'; readonly peer: string; readonly room: string; readonly what: Misbehaviour }
  | { readonly kind: 'intrude'; readonly peer: string; readonly room: string }
  | { readonly kind: 'crash'; readonly peer: string; readonly how: 'killed' | 'power cut' }
  | { readonly kind: 'start' | 'sleep' | 'wake'; readonly peer: string }
  | { readonly kind: 'cut' | 'reset'; readonly a: string; readonly b: string }
  | { readonly kind: 'partition'; readonly group: readonly string[]; readonly resets: boolean }
  | { readonly kind: 'heal' }
  | { readonly kind: 'set clock'; readonly peer: string; readonly aheadMs: Millis }
  | RareRoomAction

interface RoomStep {
  readonly atMs: Millis
  readonly action: RoomAction
}

/** A complete run. It is drawn before it starts, so that a minimised plan can omit steps. */
export interface RoomPlan {
  readonly seed: number
  readonly people: ReadonlyMap<string, Character>
  readonly aheadMs: ReadonlyMap<string, Millis>
  readonly network: NetworkOptions
  readonly steps: readonly RoomStep[]
  readonly endMs: Millis
}

export interface RoomPlanOptions {
  /** Number of honest people. Default: 3 to 6. */
  readonly people?: number | undefined
  /** Number of Byzantine members. Default: none, one or two. */
  readonly byzantine?: number | undefined
  /** How long the faults last. */
  readonly faultsMs?: Millis | undefined
  /** Whether there may be old copies, second machines, rescue words and floods of operations. Default: true. */
  readonly hasRareFaults?: boolean | undefined
}

/** Draws the people, the admissions, and the faults. */
export function drawRoomPlan(seed: number, options: RoomPlanOptions = {}): RoomPlan {
  const random = new SeededRandom(seed, 'private rooms')
  const honest = named(HONEST, options.people ?? random.whole(3, random.is(0.3) ? 6 : 4))
  const byzantine = named(BYZANTINE, options.byzantine ?? random.pick([0, 1, 1, 2]))
  const outsiders = random.is(0.3) ? [OUTSIDER] : []
  const people = new Map<string, Character>([
    ...honest.map(name => [name, 'honest'] as const),
    ...byzantine.map(name => [name, random.pick(['Byzantine', 'Byzantine, withholds removals'] as const)] as const),
    ...outsiders.map(name => [name, 'outsider'] as const),
  ])
  const rooms = ROOMS.slice(0, random.is(0.25) ? 2 : 1)
  const network = {
    delayMsMin: 1,
    delayMsMax: random.pick([5, 30, 200]),
    loss: random.pick([0, 0, 0.05]),
    duplicates: 0,
  }
  const draw = new ActionDraw(random, { honest, byzantine, outsiders, rooms })
  const cast = { honest, byzantine, rooms, fromMs: GATHERED_MS, endMs: GATHERED_MS + (options.faultsMs ?? FAULTS_MS) }
  const rare = options.hasRareFaults === false ? [] : rareSteps(seed, cast)
  const rescued = rare.flatMap(({ action }) => (action.kind === 'rescue' ? [action.room] : []))
  const steps: RoomStep[] = [...draw.gathering(rescued)]
  const { endMs } = cast
  let atMs = GATHERED_MS
  while (atMs < endMs) {
    steps.push({ atMs, action: draw.action(steps.length) })
    atMs += random.is(0.4) ? random.between(0, 30) : random.between(0, 1_000)
  }
  steps.push(...rare)
  steps.sort((a, b) => a.atMs - b.atMs)
  const aheadMs = new Map(
    [...people.keys()].map(name => [name, random.is(0.2) ? random.between(-30, 30) * HOUR_MS : 0]),
  )
  return { seed, people, aheadMs, network, steps, endMs }
}

/** The first `count` names of a list; names beyond the list are numbered. */
const named = (names: readonly string[], count: number): string[] =>
  Array.from({ length: count }, (_, index) => names[index] ?? `peer${index + 1}`)

interface Cast {
  readonly honest: readonly string[]
  readonly byzantine: readonly string[]
  readonly outsiders: readonly string[]
  readonly rooms: readonly string[]
}

class ActionDraw {
  readonly #random: SeededRandom
  readonly #cast: Cast
  #codes = 0

  constructor(random: SeededRandom, cast: Cast) {
    this.#random = random
    this.#cast = cast
  }

  /** Admits people one after the other. Each person who is in may admit the next one. */
  *gathering(rescued: readonly string[]): Generator<RoomStep> {
    const { honest, byzantine, rooms } = this.#cast
    const random = this.#random
    for (const [index, room] of rooms.entries()) {
      const founder = honest[index] ?? ''
      yield { atMs: 0, action: { kind: 'found', peer: founder, room, hasRescue: rescued.includes(room) } }
      const newcomers = [...honest.filter(name => name !== founder), ...byzantine].filter(() => random.is(0.9))
      const inside = [founder]
      let atMs: Millis = 100
      for (const peer of newcomers) {
        const code = this.#codes++
        const by = random.is(0.7) ? founder : random.pick(inside)
        const role = random.pick(['admin', 'host', 'host', 'member'] as const)
        yield { atMs, action: { kind: 'invite', peer: by, room, code, role, uses: 1, forMs: HOUR_MS * 100 } }
        yield { atMs: atMs + 50, action: { kind: 'join', peer, code } }
        if (role === 'admin') inside.push(peer)
        atMs += GATHERED_MS / (newcomers.length + 1)
      }
    }
  }

  action(index: number): RoomAction {
    const random = this.#random
    const { honest, byzantine, outsiders, rooms } = this.#cast
    const members = [...honest, ...byzantine]
    const all = [...members, ...outsiders]
    const [peer, room] = [random.pick(members), random.pick(rooms)]
    const other = random.pick(members.filter(name => name !== peer))
    const pair = (): { a: string; b: string } => {
      const a = random.pick(all)
      return { a, b: random.pick(all.filter(name => name !== a)) }
    }
    const count = random.is(0.1) ? 30 : random.is(0.3) ? 5 : 1
    const lines = Array.from({ length: count }, (_, line) => `${peer} ${index}.${line + 1}`)
    const role = (): GivenRole => random.pick(['admin', 'host', 'member'] as const)
    const malefactors = [...byzantine, ...outsiders]
    const actions: readonly [weight: number, draw: () => RoomAction][] = [
      [30, () => ({ kind: 'say', peer, room, lines })],
      [6, () => ({ kind: 'remove', peer, room, subject: other })],
      [3, () => ({ kind: 'admit', peer, room, subject: other, role: role() })],
      [1, () => ({ kind: 'leave', peer, room })],
      [4, () => this.#invitation(peer, room, role())],
      [6, () => ({ kind: 'join', peer: other, code: random.whole(0, Math.max(0, this.#codes - 1)) })],
      [3, () => ({ kind: 'crash', peer, how: random.pick(['killed', 'power cut'] as const) })],
      [6, () => ({ kind: 'start', peer })],
      [1, () => ({ kind: 'sleep', peer })],
      [2, () => ({ kind: 'wake', peer })],
      [3, () => ({ kind: 'cut', ...pair() })],
      [3, () => ({ kind: 'partition', group: all.filter(() => random.is(0.5)), resets: random.is(0.5) })],
      [4, () => ({ kind: 'heal' })],
      [3, () => ({ kind: 'reset', ...pair() })],
      [1, () => ({ kind: 'set clock', peer, aheadMs: random.between(-30, 30) * HOUR_MS })],
      [
        byzantine.length * 6,
        () => ({ kind: 'misbehave', peer: random.pick(byzantine), room, what: random.pick(MISBEHAVIOURS) }),
      ],
      [outsiders.length * 2, () => ({ kind: 'intrude', peer: random.pick(outsiders), room })],
      [
        outsiders.length * 2,
        () => ({ kind: 'misbehave', peer: random.pick(malefactors), room, what: 'sends foreign tags' }),
      ],
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

  #invitation(peer: string, room: string, role: GivenRole): RoomAction {
    const random = this.#random
    const [uses, forMs] = [random.pick([1, 1, 2]), random.pick([HOUR_MS * 100, HOUR_MS, 2_000])]
    return { kind: 'invite', peer, room, code: this.#codes++, role, uses, forMs }
  }
}

/** Performs an action. */
export async function performInRooms(world: RoomWorld, action: RoomAction): Promise<void> {
  switch (action.kind) {
    case 'found':
      return world.found(action.peer, action.room, action.hasRescue)
    case 'invite':
      return world.invite(action.peer, action.room, action.code, action)
    case 'join':
      return world.join(action.peer, action.code)
    case 'say':
      for (const line of action.lines) world.seat(action.peer, action.room)?.say(line)
      return
    case 'remove':
      void world.seat(action.peer, action.room)?.remove(world.person(action.subject).author)
      return
    case 'admit':
      void world.seat(action.peer, action.room)?.admit(world.person(action.subject).author, action.role)
      return
    case 'leave':
      void world.seat(action.peer, action.room)?.leave()
      return
    case 'misbehave':
      return world.misbehave(action.peer, action.room, action.what)
    case 'intrude':
      return world.intrude(action.peer, action.room)
    case 'crash':
      return world.person(action.peer).crash(action.how)
    case 'start':
    case 'sleep':
    case 'wake':
      return world.person(action.peer)[action.kind]()
    case 'cut':
    case 'reset':
      return world[action.kind](action.a, action.b)
    case 'partition':
      return world.partition(action.group, action.resets)
    case 'heal':
      return world.heal()
    case 'set clock':
      return world.person(action.peer).setClock(action.aheadMs)
    default:
      return performRarely(world, action)
  }
}
