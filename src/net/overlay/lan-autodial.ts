import type { Cancel, Clock } from '../../base/clock.js'
import { VIEW_MAX } from '../../base/limits.js'
import { equalsIgnoringCase } from '../../base/names.js'
import type { ConnectionInfo } from '../connections.js'
import type { Address } from '../lan/address.js'
import { type Service, shortKeyIn, wishedName } from '../lan/mdns/service-records.js'
import type { DialAttempt } from '../topology.js'

/** Of those who are found, so many are dialled at once. */
const MEET_MAX = VIEW_MAX

/** Dials that have come to nothing before somebody who was found makes room for another. */
const TRIES_MIN = 2

/** Of two who find each other the one with the higher key leaves the other this time to dial. */
const COURTESY_MS = 1_000

/** A peer who is heard of is tried at once, but not more often than this: anybody can say that he is there. */
const HURRY_MS = 2_000

/** Decides with whom to link where many are there. Peers are known to it by their short keys. */
interface Room {
  found(key: string): void
  lost(key: string): void
  wants(key: string, dialled: number): boolean
}

/** What is asked of the swarm. */
interface Links {
  readonly links: readonly Pick<ConnectionInfo, 'remote'>[]
  readonly trials: readonly DialAttempt[]
  add(name: string, address: Address, isFound: true): void
  remove(name: string): void
  hurry(name: string): void
}

export interface LanAutodialOptions {
  readonly swarm: Links
  readonly clock: Clock
  /** As announced: the own short key, and the tag of the own room. */
  readonly key: string
  readonly room: string
  /** Where everyone in the room is dialled; else only who was named is. */
  readonly meeting: Room | undefined
  /** Told whether somebody is missing who could be found. */
  readonly onMissing: (isMissing: boolean) => void
}

/** Decides what to do about those who are found on the network: whom to dial, whom to try again at once, whom to give up. */
export class LanAutodial {
  readonly #options: LanAutodialOptions
  /** Those who were dialled because they were found, by instance. */
  readonly #met = new Map<string, Service>()
  /** Those who are left a moment to dial us. */
  readonly #awaited = new Map<string, Cancel>()
  readonly #hurriedAt = new Map<string, number>()

  constructor(options: LanAutodialOptions) {
    this.#options = options
  }

  /** Somebody says that he is there. */
  sighted(service: Service): void {
    const { swarm, clock, room, key, meeting } = this.#options
    if (service.room !== room) return
    for (const { name, address } of swarm.trials) if (isDialledAs(address, service)) this.#hurry(name)
    meeting?.found(service.key)
    if (meeting === undefined || this.#met.has(service.instance) || this.#awaited.has(service.instance)) return
    if (!this.#isWanted(service)) return
    const meet = (): void => {
      this.#awaited.delete(service.instance)
      if (this.#isWanted(service)) this.#meet(service)
    }
    if (key < service.key) meet()
    else this.#awaited.set(service.instance, clock.after(COURTESY_MS, meet))
  }

  /** Somebody said goodbye; or was not heard of for long, which counts only where there is no link. */
  lost(service: Service, hasSaidGoodbye: boolean): void {
    this.#options.meeting?.lost(service.key)
    this.#awaited.get(service.instance)?.()
    this.#awaited.delete(service.instance)
    if (!this.#met.has(service.instance) || (!hasSaidGoodbye && this.#isLinked(service))) return
    this.#giveUp(service.instance)
  }

  /** The link with somebody is closed because there are enough: he is not dialled again before he is wanted. */
  parted(key: string): void {
    for (const service of [...this.#met.values()]) if (service.key === key) this.#giveUp(service.instance)
  }

  /** Links have come or gone. */
  update(): void {
    const { links, trials } = this.#options.swarm
    const isMissing = links.length === 0 || trials.some(({ address }) => address.host.endsWith('.local'))
    this.#options.onMissing(isMissing)
  }

  #isWanted(service: Service): boolean {
    const { swarm, meeting } = this.#options
    const linked = new Set(swarm.links.flatMap(({ remote }) => (remote.kind === 'ours' ? shortKeyIn(remote.key) : [])))
    if (linked.has(service.key)) return false
    const inVain = new Set(swarm.trials.map(({ name }) => name))
    let dialled = 0
    for (const [name, { key }] of this.#met) if (!inVain.has(name) && !linked.has(key)) dialled++
    return meeting?.wants(service.key, dialled) ?? false
  }

  #isLinked({ key }: Service): boolean {
    return this.#options.swarm.links.some(({ remote }) => remote.kind === 'ours' && remote.key.startsWith(key))
  }

  #meet(service: Service): void {
    if (this.#met.size >= MEET_MAX && !this.#giveUpOne()) return
    this.#met.set(service.instance, service)
    this.#options.swarm.add(service.instance, { host: `${service.instance}.local`, port: service.port }, true)
  }

  /** Whoever tells of peers that are not there must not keep those who are from being dialled. */
  #giveUpOne(): boolean {
    const vain = this.#options.swarm.trials.filter(({ name, tries }) => this.#met.has(name) && tries >= TRIES_MIN)
    const [worst] = vain.sort((a, b) => b.tries - a.tries)
    if (worst === undefined) return false
    this.#giveUp(worst.name)
    return true
  }

  #giveUp(instance: string): void {
    this.#met.delete(instance)
    this.#hurriedAt.delete(instance)
    this.#options.swarm.remove(instance)
  }

  #hurry(name: string): void {
    const now = this.#options.clock.now()
    const before = this.#hurriedAt.get(name)
    if (before !== undefined && Math.abs(now - before) < HURRY_MS) return
    this.#hurriedAt.set(name, now)
    this.#options.swarm.hurry(name)
  }
}

/** Who had to take another name than he wished for is dialled by either. */
const isDialledAs = ({ host }: Address, { instance }: Service): boolean =>
  equalsIgnoringCase(host, `${instance}.local`) || equalsIgnoringCase(host, `${wishedName(instance)}.local`)
