import type { Millis } from '../../base/clock.js'
import { SeededRandom } from '../../base/seeded-random.js'
import { type ByzantineFault, STRANGER, STRANGER_FAULTS } from '../world/byzantine-peer.js'
import { Violation, World } from '../world/world.js'

/**
 * The honest peers, who know each other. They are connected in a line, so that all but one get the newcomer's lines
 * from another peer.
 */
const HONEST = ['alice', 'bob', 'carol']
const NEWCOMER = 'nina'
const ATTACKERS = ['mallory', 'trudy']
/** Number of strangers' logs, each of maximum size, that fit on each disk. */
const LOGS_MAX = 8
const STRANGER_BYTES_MAX = LOGS_MAX * 128 * 1024
/** Number of floods. For each one, the attacker's connection is reset and opened again. */
const FLOODS = 6
const FLOOD_MS: Millis = 1_500
const HEARD_MS: Millis = 2_000

/**
 * Strangers flood one end of a line of peers who know each other; a newcomer connects to the other end. Every peer must
 * get the newcomer's line within two seconds and still have it after the attack. Known people must lose nothing, and no
 * disk may exceed its bound. Rejects with a Violation.
 */
export async function strangerRun(seed: number): Promise<void> {
  const random = new SeededRandom(seed, 'strangers')
  const attackers = ATTACKERS.slice(0, random.whole(1, ATTACKERS.length))
  const byzantine = new Map<string, ByzantineFault>([
    ...attackers.map(name => [name, random.pick(STRANGER_FAULTS)] as const),
    [NEWCOMER, STRANGER],
  ])
  const dials = new Map<string, readonly string[]>([
    ['bob', ['alice']],
    ['carol', ['bob']],
    [NEWCOMER, ['alice']],
    ...attackers.map(name => [name, ['carol']] as const),
  ])
  const world = new World({
    seed,
    peers: [...HONEST, ...attackers, NEWCOMER],
    dials: name => dials.get(name) ?? [],
    byzantine,
    network: { delayMsMax: random.pick([5, 50]) },
    strangerBytesMax: STRANGER_BYTES_MAX,
  })
  try {
    world.peer(NEWCOMER).crash('killed')
    await new StrangerScenario(world, random, attackers).run()
  } finally {
    world.end()
  }
}

class StrangerScenario {
  readonly #world: World
  readonly #random: SeededRandom
  readonly #attackers: readonly string[]

  constructor(world: World, random: SeededRandom, attackers: readonly string[]) {
    this.#world = world
    this.#random = random
    this.#attackers = attackers
  }

  async run(): Promise<void> {
    const world = this.#world
    const newcomerAt = this.#random.whole(1, FLOODS - 2)
    for (let flood = 0; flood < FLOODS; flood++) {
      for (const name of HONEST) world.peer(name).say(`${name} during flood ${flood}`)
      if (flood === newcomerAt) await this.#newcomerIsHeard()
      await world.run(this.#random.between(FLOOD_MS / 3, FLOOD_MS))
      for (const name of this.#attackers) world.reset(name, 'carol')
      if (flood === newcomerAt + 1 && this.#random.is(0.5)) await this.#restart(this.#random.pick(HONEST))
    }
    this.#checkNewcomer(world.heard(NEWCOMER).length > 0)
    for (const name of this.#attackers) world.peer(name).crash('killed')
    await world.converge()
    this.#checkBounds()
  }

  async #restart(name: string): Promise<void> {
    this.#world.peer(name).crash('power cut')
    await this.#world.run(500)
    this.#world.peer(name).start()
    await this.#world.run(3_000)
  }

  /** Connects the newcomer, who says a line. */
  async #newcomerIsHeard(): Promise<void> {
    const world = this.#world
    const newcomer = world.peer(NEWCOMER)
    newcomer.start()
    await world.runUntil(() => newcomer.connectedKeys.length > 0, 5_000)
    newcomer.say(HELLO)
    const isHeard = (): boolean => HONEST.every(name => world.heard(name).includes(HELLO))
    if (await world.runUntil(isHeard, HEARD_MS)) return
    this.#violate(
      HONEST.filter(name => !world.heard(name).includes(HELLO)).map(name => `${name} did not hear a newcomer`),
    )
  }

  #checkNewcomer(isConnected: boolean): void {
    const { author } = this.#world.peer(NEWCOMER)
    const lost = HONEST.filter(name => !this.#world.peer(name).log?.head.some(head => head.author.startsWith(author)))
    if (isConnected) this.#violate(lost.map(name => `${name} lost the lines of a newcomer`))
  }

  #checkBounds(): void {
    const faults: string[] = []
    for (const name of HONEST) {
      const { log } = this.#world.peer(name)
      const strangers = log?.head.filter(({ author }) => !this.#world.checker.isHonest(author)) ?? []
      if (strangers.length > LOGS_MAX) faults.push(`${name} stores ${strangers.length} logs of strangers`)
    }
    this.#violate(faults)
  }

  #violate(faults: readonly string[]): void {
    if (faults.length > 0) throw new Violation(faults, this.#world.story())
  }
}

const HELLO = 'hello from a newcomer'
