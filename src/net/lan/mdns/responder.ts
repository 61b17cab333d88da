import type { Cancel, Clock, Millis } from '../../../base/clock.js'
import type { LocalInterface } from './interfaces.js'
import { type DnsRecord, fieldsOf, isSameName, itemsOf, lowered, type Packet, recordsIn } from './packets.js'
import {
  ALL_SERVICES,
  addressRecords,
  fullNameOf,
  instanceName,
  locationIn,
  locationOf,
  pointerTo,
  SERVICE,
  type Service,
  serviceRecords,
  TTL_S,
} from './service-records.js'

/** Number of probes, and the time between them. RFC 6762 §8.1. */
const PROBES = 3
const PROBE_MS = 250

/** Time after which the loser of a simultaneous probe probes again. RFC 6762 §8.2. */
const DEFERRED_MS = 1_000

/** An announcement is sent twice, because a datagram may be lost. */
const ANNOUNCE_AGAIN_MS = 1_000

/** Delay of answers that several responders give at once. RFC 6762 §6. */
const ANSWER_MS_MIN = 20
const ANSWER_MS_MAX = 120

/** Conflicts after which we keep our name: otherwise endless conflicting claims could keep us from being announced. */
const CONFLICTS_MAX = 12

export interface ResponderOptions {
  readonly clock: Clock
  /** A number from 0 up to, but not including, 1. */
  readonly random: () => number
  /** Sends a packet on one interface, or on all; it may differ between interfaces. */
  readonly send: (make: (at: LocalInterface) => Packet | undefined, only?: LocalInterface) => void
  /** The name is ours, and announced. It differs from the requested name if another service has the requested one. */
  readonly onNamed: (instance: string) => void
}

type State =
  /** `sent` probes were sent; nothing is announced yet. */
  { readonly kind: 'probing'; readonly sent: number } | { readonly kind: 'announced' }

/**
 * Announces one service: probes whether its name is free, otherwise picks another, announces it, answers queries for it, and
 * defends its name. RFC 6762 §8 and §9. Without IO.
 */
export class Responder {
  readonly #options: ResponderOptions
  #requested: Service
  #service: Service
  #state: State = { kind: 'probing', sent: 0 }
  #number = 1
  #conflicts = 0
  #cancel: Cancel
  readonly #answering = new Map<LocalInterface, Cancel>()
  #isClosed = false

  constructor(service: Service, options: ResponderOptions) {
    this.#options = options
    this.#requested = service
    this.#service = service
    this.#cancel = options.clock.after(options.random() * PROBE_MS, () => this.#probe())
  }

  get service(): Service {
    return this.#service
  }

  get isAnnounced(): boolean {
    return this.#state.kind === 'announced'
  }

  /** The immediate answer to a query on an interface. Answers that several responders give are sent later. */
  answerTo(query: unknown, at: LocalInterface): readonly DnsRecord[] {
    if (this.#isClosed) return []
    if (this.#state.kind === 'probing') {
      this.#receiveProbe(query)
      return []
    }
    const { instance, host } = this.#service
    const full = lowered(fullNameOf(instance))
    let isHostAsked = false
    let isInstanceAsked = false
    for (const question of itemsOf(query, 'questions')) {
      const { name, type } = fieldsOf(question)
      if (isSameName(name, full)) isInstanceAsked ||= type === 'SRV' || type === 'TXT' || type === 'ANY'
      else if (isSameName(name, host)) isHostAsked ||= type === 'A' || type === 'AAAA' || type === 'ANY'
      else if ((type === 'PTR' || type === 'ANY') && (isSameName(name, SERVICE) || isSameName(name, ALL_SERVICES)))
        this.#answerLater(query, at, isSameName(name, ALL_SERVICES))
    }
    if (isInstanceAsked) return serviceRecords(this.#service, at)
    return isHostAsked ? addressRecords(host, at) : []
  }

  /** Processes a decoded response, which may contain anything: another service may claim our name. */
  receive(response: unknown): void {
    if (this.#isClosed || this.#conflicts >= CONFLICTS_MAX) return
    const isClaimed = recordsIn(response).some(record => this.#isForeign(record))
    if (!isClaimed) return
    this.#conflicts++
    if (this.#state.kind === 'probing') {
      this.#number++
      this.#service = { ...this.#requested, instance: instanceName(this.#requested.instance, this.#number) }
    }
    this.#probeIn(0)
  }

  /** Our rooms changed. RFC 6762 §8.4. */
  setRooms(rooms: readonly string[]): void {
    this.#requested = { ...this.#requested, rooms }
    this.#service = { ...this.#service, rooms }
    if (this.#state.kind === 'announced') this.#announce()
  }

  /** Announces again: a new interface is up. */
  interfacesChanged(): void {
    if (this.#state.kind === 'announced') this.#announce()
  }

  /** The records that withdraw our service on an interface. RFC 6762 §10.1. */
  goodbye(at: LocalInterface): readonly DnsRecord[] {
    return this.#state.kind === 'announced' ? serviceRecords(this.#service, at, 0) : []
  }

  close(): void {
    this.#isClosed = true
    this.#cancel()
    for (const cancel of this.#answering.values()) cancel()
  }

  #probeIn(delayMs: Millis): void {
    this.#state = { kind: 'probing', sent: 0 }
    this.#cancel()
    this.#cancel = this.#options.clock.after(delayMs, () => this.#probe())
  }

  #probe(): void {
    const sent = this.#state.kind === 'probing' ? this.#state.sent : 0
    if (sent === PROBES) {
      this.#state = { kind: 'announced' }
      this.#options.onNamed(this.#service.instance)
      this.#announce()
      return
    }
    this.#state = { kind: 'probing', sent: sent + 1 }
    this.#cancel = this.#options.clock.after(PROBE_MS, () => this.#probe())
    const question = { name: fullNameOf(this.#service.instance), type: 'ANY' as const }
    const claim = locationOf(this.#service)
    this.#options.send(() => ({ type: 'query', questions: [question], authorities: [claim] }))
  }

  #announce(): void {
    const send = (): void =>
      this.#options.send(at => ({ type: 'response', answers: serviceRecords(this.#service, at) }))
    this.#cancel()
    this.#cancel = this.#options.clock.after(ANNOUNCE_AGAIN_MS, send)
    send()
  }

  #answerLater(query: unknown, at: LocalInterface, isEnumeration: boolean): void {
    if (this.#answering.has(at) || (!isEnumeration && this.#isKnown(query))) return
    const delayMs = ANSWER_MS_MIN + this.#options.random() * (ANSWER_MS_MAX - ANSWER_MS_MIN)
    const answer = (): void => {
      this.#answering.delete(at)
      const type: DnsRecord = { type: 'PTR', name: ALL_SERVICES, ttl: TTL_S, data: SERVICE }
      const answers = isEnumeration ? [type, pointerTo(this.#service)] : serviceRecords(this.#service, at)
      if (this.#state.kind === 'announced') this.#options.send(() => ({ type: 'response', answers }), at)
    }
    this.#answering.set(at, this.#options.clock.after(delayMs, answer))
  }

  /** Whether the query lists our service as a known answer that is valid for a while. RFC 6762 §7.1. */
  #isKnown(query: unknown): boolean {
    const full = lowered(fullNameOf(this.#service.instance))
    return itemsOf(query, 'answers').some(answer => {
      const { type, data, ttl } = fieldsOf(answer)
      return type === 'PTR' && isSameName(data, full) && typeof ttl === 'number' && ttl >= TTL_S / 2
    })
  }

  /** Another service probes for the same name. The service with the lower SRV record defers, and later finds the name taken. */
  #receiveProbe(query: unknown): void {
    const claims = itemsOf(query, 'authorities').filter(record => this.#isForeign(record))
    if (claims.length === 0 || this.#conflicts >= CONFLICTS_MAX) return
    const isLower = claims.some(claim => {
      const { port, target } = locationIn(claim, this.#service.instance) ?? {}
      const theirs = lowered(String(target))
      return Number(port) === this.#service.port ? theirs > this.#service.host : Number(port) > this.#service.port
    })
    if (!isLower) return
    this.#conflicts++
    this.#probeIn(DEFERRED_MS)
  }

  #isForeign(record: unknown): boolean {
    const location = locationIn(record, this.#service.instance)
    if (location === undefined) return false
    const isSameHost = typeof location.target === 'string' && lowered(location.target) === this.#service.host
    return !isSameHost || location.port !== this.#service.port
  }
}
