import type { Cancel, Clock, Millis } from '../../../base/clock.js'
import type { LocalInterface } from './interfaces.js'
import type { Packet } from './packets.js'
import { fullNameOf, pointerTo, SERVICE, type Service, type Sighting, sightingsIn, TTL_S } from './service-records.js'

/** Services that are remembered: more than any peer connects to, and few enough to bound memory if announcements are forged. */
const SERVICES_MAX = 1_024

/** Largest number of these services from one sender, so that a hostile sender does not crowd out others. */
const SERVICES_PER_SENDER_MAX = 64

/** Largest number of addresses of one service: a few for each network that it shares with us. */
const ADDRESSES_MAX = 16

/** Known answers in one query, so that these services need not answer. RFC 6762 §7.1. */
const KNOWN_MAX = 16

/** Time between two queries: 1, 2, 4 s …, up to the longest. RFC 6762 §5.2. */
const QUERY_MS_MIN = 1_000
const QUERY_MS_MAX = 30_000

/** Longest time between two queries while a peer is missing, so that it is found within seconds when it is back. */
const QUERY_MS_MAX_IF_MISSING = 3_000

export interface ServiceBrowserOptions {
  readonly clock: Clock
  readonly send: (make: () => Packet) => void
  /** A service was announced, for the first time or again. */
  readonly onSighted: (service: Service) => void
  /** A service said goodbye, or its announcement expired. */
  readonly onLost: (service: Service, hasSaidGoodbye: boolean) => void
  /** Whether a service is ours. */
  readonly isOwn: (service: Service) => boolean
}

interface Found {
  service: Service
  addresses: readonly string[]
  receivedAt: Millis
  ttlMs: Millis
  readonly sender: string
}

/** Browses for services: queries, remembers announcements until they expire. Without IO. RFC 6763 §4. */
export class ServiceBrowser {
  readonly #options: ServiceBrowserOptions
  readonly #found = new Map<string, Found>()
  #cancel: Cancel = () => {}
  #queries = 0
  #queriedAt = 0
  #isMissing = false
  #isClosed = false

  constructor(options: ServiceBrowserOptions) {
    this.#options = options
  }

  /** All known services, in order of arrival. */
  get all(): readonly Service[] {
    this.#expire()
    return [...this.#found.values()].map(({ service }) => service)
  }

  /** The announced addresses of an instance; none if it is unknown. */
  addressesOf(instance: string): readonly { readonly host: string; readonly port: number }[] {
    const found = this.#found.get(keyOf(instance))
    if (found === undefined) return []
    return found.addresses.map(host => ({ host, port: found.service.port }))
  }

  /** Starts to send queries. */
  browse(): void {
    this.#queries = 0
    this.#query()
  }

  /** The network changed: starts again with frequent queries. */
  restart(): void {
    if (this.#queries > 0 && !this.#isClosed) this.browse()
  }

  /** `isMissing`: a missing peer may return at any moment, so queries are sent more often. */
  setMissing(isMissing: boolean): void {
    if (this.#isMissing === isMissing) return
    this.#isMissing = isMissing
    if (this.#queries === 0 || this.#isClosed) return
    this.#cancel()
    const sinceMs = this.#options.clock.now() - this.#queriedAt
    this.#cancel = this.#options.clock.after(Math.max(0, this.#waitMs() - sinceMs), () => this.#query())
  }

  /** Processes a decoded response, which may contain anything, from a sender's address. */
  receive(response: unknown, at: LocalInterface, sender: string): void {
    if (this.#isClosed) return
    for (const sighting of sightingsIn(response, at)) {
      if (this.#options.isOwn(sighting.service)) continue
      if (sighting.ttl === 0) this.#forget(keyOf(sighting.service.instance), true)
      else this.#keep(sighting, sender)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#cancel()
  }

  #keep({ service, addresses, ttl }: Sighting, sender: string): void {
    const key = keyOf(service.instance)
    const before = this.#found.get(key)
    const isSame = before !== undefined && before.service.host === service.host && before.service.port === service.port
    const known = isSame ? before.addresses : []
    const all = [...new Set([...addresses, ...known])].sort(ipv4First).slice(0, ADDRESSES_MAX)
    if (all.length === 0 || (before === undefined && !this.#hasRoomFor(sender))) return
    this.#found.set(key, {
      service,
      addresses: all,
      receivedAt: this.#options.clock.now(),
      ttlMs: ttl * 1_000,
      sender: before?.sender ?? sender,
    })
    this.#options.onSighted(service)
  }

  #hasRoomFor(sender: string): boolean {
    this.#expire()
    if (this.#found.size >= SERVICES_MAX) return false
    let count = 0
    for (const found of this.#found.values()) if (found.sender === sender) count++
    return count < SERVICES_PER_SENDER_MAX
  }

  #forget(key: string, hasSaidGoodbye: boolean): void {
    const found = this.#found.get(key)
    if (found === undefined) return
    this.#found.delete(key)
    this.#options.onLost(found.service, hasSaidGoodbye)
  }

  #expire(): void {
    const now = this.#options.clock.now()
    for (const [key, { receivedAt, ttlMs }] of this.#found) if (now - receivedAt >= ttlMs) this.#forget(key, false)
  }

  #waitMs(): Millis {
    const waitMs = Math.min(QUERY_MS_MAX, QUERY_MS_MIN * 2 ** Math.min(this.#queries - 1, 16))
    return this.#isMissing ? Math.min(QUERY_MS_MAX_IF_MISSING, waitMs) : waitMs
  }

  #query(): void {
    this.#expire()
    this.#queries++
    this.#queriedAt = this.#options.clock.now()
    this.#cancel()
    this.#cancel = this.#options.clock.after(this.#waitMs(), () => this.#query())
    const now = this.#options.clock.now()
    const answers = [...this.#found.values()]
      .map(({ service, receivedAt, ttlMs }) => pointerTo(service, Math.floor((ttlMs - (now - receivedAt)) / 1_000)))
      .filter(({ ttl }) => ttl >= TTL_S / 2)
      .slice(0, KNOWN_MAX)
    // A missing peer has to answer even if its service is known: the answer shows that it is back.
    this.#options.send(() => ({
      type: 'query',
      questions: [{ name: SERVICE, type: 'PTR' }],
      ...(!this.#isMissing && { answers }),
    }))
  }
}

const keyOf = (instance: string): string => fullNameOf(instance).toLowerCase()

const ipv4First = (a: string, b: string): number => Number(a.includes(':')) - Number(b.includes(':'))
