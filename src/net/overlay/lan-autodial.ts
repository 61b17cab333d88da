import type { Cancel, Clock } from '../../base/clock.js'
import { equalsIgnoringCase } from '../../base/names.js'
import type { DialAttempt } from '../dial-target.js'
import type { Address } from '../lan/address.js'
import { requestedName, type Service, shortKeyIn } from '../lan/mdns/service-records.js'
import type { Connection } from '../room-channels.js'
import { ACTIVE_VIEW_MAX } from './limits.js'

/** Discovered peers that are dialled at a time. */
const DIALLED_MAX = ACTIVE_VIEW_MAX

/** Failed dials after which a discovered peer may be replaced by another. */
const FAILURES_MIN = 2

/** Head start of the peer with the lower key when two peers discover each other, so that only one of them dials. */
const HEAD_START_MS = 1_000

/** Shortest time between two retries that announcements of one peer cause: anyone can send an announcement. */
const RETRY_NOW_MS = 2_000

/** Decides which discovered peers to connect to. Identifies peers by their short keys. */
export interface DialPolicy {
  discovered(key: string): void
  lost(key: string): void
  shouldDial(key: string, dialled: number): boolean
}

/** Dials every discovered peer, up to a limit. For nodes on loopback, which have no peer exchange to choose among peers. */
export const DIAL_ALL: DialPolicy = {
  discovered: () => {},
  lost: () => {},
  shouldDial: (_key, dialled) => dialled < DIALLED_MAX,
}

/** The part of `RoomChannels` that dials. */
interface Dialler {
  readonly connections: readonly Pick<Connection, 'remote'>[]
  readonly dialAttempts: readonly DialAttempt[]
  add(name: string, address: Address, isDiscovered: true): void
  remove(name: string): void
  retryNow(name: string): void
}

export interface LanAutodialOptions {
  readonly connections: Dialler
  readonly clock: Clock
  /** Our short key, as announced. */
  readonly key: string
  /** Whether a peer may be in the room. */
  readonly isCandidate: (service: Service) => boolean
  /** Undefined: only peers that the user named are dialled. */
  readonly peerExchange: DialPolicy | undefined
}

/** Dials peers that are discovered on the local network, retries them when they reappear, and gives them up when they leave. */
export class LanAutodial {
  readonly #options: LanAutodialOptions
  /** Peers that are dialled because they were discovered, by instance name. */
  readonly #dialled = new Map<string, Service>()
  /** Peers that have a head start to dial us, by instance name. */
  readonly #headStarts = new Map<string, Cancel>()
  readonly #retriedAt = new Map<string, number>()

  constructor(options: LanAutodialOptions) {
    this.#options = options
  }

  /** A peer was announced, for the first time or again. */
  sighted(service: Service): void {
    const { connections, clock, isCandidate, key, peerExchange } = this.#options
    if (!isCandidate(service)) return
    for (const { name, address } of connections.dialAttempts) if (isDialledAs(address, service)) this.#retryNow(name)
    peerExchange?.discovered(service.key)
    const { instance } = service
    if (peerExchange === undefined || this.#dialled.has(instance) || this.#headStarts.has(instance)) return
    if (!this.#shouldDial(service)) return
    const dial = (): void => {
      this.#headStarts.delete(instance)
      if (this.#shouldDial(service)) this.#dial(service)
    }
    if (key < service.key) dial()
    else this.#headStarts.set(instance, clock.after(HEAD_START_MS, dial))
  }

  /** A peer said goodbye, or its announcement expired. Expiry is ignored while the peer is connected. */
  lost(service: Service, hasSaidGoodbye: boolean): void {
    this.#options.peerExchange?.lost(service.key)
    this.#headStarts.get(service.instance)?.()
    this.#headStarts.delete(service.instance)
    if (!this.#dialled.has(service.instance) || (!hasSaidGoodbye && this.#isConnected(service))) return
    this.#giveUp(service.instance)
  }

  /** The connection to a peer was dropped because the view is full. The peer is dialled again only when peers are missing. */
  dropped(key: string): void {
    for (const service of [...this.#dialled.values()]) if (service.key === key) this.#giveUp(service.instance)
  }

  /** Whether a peer is missing that discovery could find. */
  get isMissingPeers(): boolean {
    const { connections, dialAttempts } = this.#options.connections
    return connections.length === 0 || dialAttempts.some(({ address }) => address.host.endsWith('.local'))
  }

  #shouldDial(service: Service): boolean {
    const { connections, peerExchange } = this.#options
    const connected = new Set(
      connections.connections.flatMap(({ remote }) => (remote.kind === 'native' ? shortKeyIn(remote.key) : [])),
    )
    if (connected.has(service.key)) return false
    const failing = new Set(connections.dialAttempts.map(({ name }) => name))
    let pending = 0
    for (const [name, { key }] of this.#dialled) if (!failing.has(name) && !connected.has(key)) pending++
    return peerExchange?.shouldDial(service.key, pending) ?? false
  }

  #isConnected({ key }: Service): boolean {
    return this.#options.connections.connections.some(
      ({ remote }) => remote.kind === 'native' && remote.key.startsWith(key),
    )
  }

  #dial(service: Service): void {
    if (this.#dialled.size >= DIALLED_MAX && !this.#giveUpOne()) return
    this.#dialled.set(service.instance, service)
    this.#options.connections.add(service.instance, { host: `${service.instance}.local`, port: service.port }, true)
  }

  /** Gives up the peer with the most failed dials: announcements of absent peers must not keep present peers out. */
  #giveUpOne(): boolean {
    const failing = this.#options.connections.dialAttempts.filter(
      ({ name, tries }) => this.#dialled.has(name) && tries >= FAILURES_MIN,
    )
    const [worst] = failing.sort((a, b) => b.tries - a.tries)
    if (worst === undefined) return false
    this.#giveUp(worst.name)
    return true
  }

  #giveUp(instance: string): void {
    this.#dialled.delete(instance)
    this.#retriedAt.delete(instance)
    this.#options.connections.remove(instance)
  }

  #retryNow(name: string): void {
    const now = this.#options.clock.now()
    const before = this.#retriedAt.get(name)
    if (before !== undefined && Math.abs(now - before) < RETRY_NOW_MS) return
    this.#retriedAt.set(name, now)
    this.#options.connections.retryNow(name)
  }
}

/**
 * Whether a user's dial leads to a service: users dial the name that the peer requested, which may differ from its instance name after a
 * conflict.
 */
const isDialledAs = ({ host }: Address, { instance }: Service): boolean =>
  equalsIgnoringCase(host, `${instance}.local`) || equalsIgnoringCase(host, `${requestedName(instance)}.local`)
