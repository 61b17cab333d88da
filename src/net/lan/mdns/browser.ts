import type { Cancel, Clock, Millis } from '../../../base/clock.js'
import type { LocalInterface } from './interfaces.js'
import type { Packet } from './packets.js'
import { fullNameOf, pointerTo, SERVICE, type Service, type Sighting, sightingsIn, TTL_S } from './service-records.js'

/** Peers remembered. More than anyone links with, and little enough that a liar fills no memory. */
const SERVICES_MAX = 1_024

/** Of those, how many one sender can tell of: a liar crowds out nobody but himself. */
const SERVICES_PER_SENDER_MAX = 64

/** Addresses of one peer: a few for each interface that it shares with us. */
const ADDRESSES_MAX = 16

/** Peers that a question names as known, so that they need not answer. */
const KNOWN_MAX = 16

/** The first questions come after 1, 2, 4 s …; then this often. */
const ASK_MS_MIN = 1_000
const ASK_MS_MAX = 30_000

/** While somebody is missing the question is asked this often: who comes back is found within seconds. */
const ASK_MISSING_MS = 3_000

export interface ServiceBrowserOptions {
  readonly clock: Clock
  readonly send: (make: () => Packet) => void
  /** Somebody is there: seen for the first time, or again. */
  readonly onSighted: (service: Service) => void
  /** Somebody has said goodbye, or was not heard of for long. */
  readonly onLost: (service: Service, hasSaidGoodbye: boolean) => void
  /** The own host: what it says is not news. */
  readonly isOwn: (service: Service) => boolean
}

interface Found {
  service: Service
  addresses: readonly string[]
  heardAt: Millis
  ttlMs: Millis
  readonly sender: string
}

/** Who is on the network, as they say: asked for, remembered for as long as it counts, forgotten. Without IO. */
export class ServiceBrowser {
  readonly #options: ServiceBrowserOptions
  readonly #found = new Map<string, Found>()
  #cancel: Cancel = () => {}
  #asked = 0
  #askedAt = 0
  #isMissing = false
  #isClosed = false

  constructor(options: ServiceBrowserOptions) {
    this.#options = options
  }

  /** Those who are there, in order of arrival. */
  get all(): readonly Service[] {
    this.#expire()
    return [...this.#found.values()].map(({ service }) => service)
  }

  /** Where an instance says that it can be dialled; [] where nobody says so. */
  addressesOf(instance: string): readonly { readonly host: string; readonly port: number }[] {
    const found = this.#found.get(keyOf(instance))
    if (found === undefined) return []
    return found.addresses.map(host => ({ host, port: found.service.port }))
  }

  /** Starts to ask, again and again. */
  browse(): void {
    this.#asked = 0
    this.#ask()
  }

  /** The network changed: who was asked in vain may hear it now. */
  askAgain(): void {
    if (this.#asked > 0 && !this.#isClosed) this.browse()
  }

  /** Whether somebody is missing, who may be back any moment. */
  setMissing(isMissing: boolean): void {
    if (this.#isMissing === isMissing) return
    this.#isMissing = isMissing
    if (this.#asked === 0 || this.#isClosed) return
    this.#cancel()
    const sinceMs = this.#options.clock.now() - this.#askedAt
    this.#cancel = this.#options.clock.after(Math.max(0, this.#waitMs() - sinceMs), () => this.#ask())
  }

  /** Takes a decoded response, whatever is in it, from a sender's address. */
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
      heardAt: this.#options.clock.now(),
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
    for (const [key, { heardAt, ttlMs }] of this.#found) if (now - heardAt >= ttlMs) this.#forget(key, false)
  }

  #waitMs(): Millis {
    const waitMs = Math.min(ASK_MS_MAX, ASK_MS_MIN * 2 ** Math.min(this.#asked - 1, 16))
    return this.#isMissing ? Math.min(ASK_MISSING_MS, waitMs) : waitMs
  }

  #ask(): void {
    this.#expire()
    this.#asked++
    this.#askedAt = this.#options.clock.now()
    this.#cancel()
    this.#cancel = this.#options.clock.after(this.#waitMs(), () => this.#ask())
    const now = this.#options.clock.now()
    const answers = [...this.#found.values()]
      .map(({ service, heardAt, ttlMs }) => pointerTo(service, Math.floor((ttlMs - (now - heardAt)) / 1_000)))
      .filter(({ ttl }) => ttl >= TTL_S / 2)
      .slice(0, KNOWN_MAX)
    // Who is missing shall answer, though he is known: his answer says that he is back.
    this.#options.send(() => ({
      type: 'query',
      questions: [{ name: SERVICE, type: 'PTR' }],
      ...(!this.#isMissing && { answers }),
    }))
  }
}

const keyOf = (instance: string): string => fullNameOf(instance).toLowerCase()

const ipv4First = (a: string, b: string): number => Number(a.includes(':')) - Number(b.includes(':'))
