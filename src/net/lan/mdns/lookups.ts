import type { Cancel, Clock, Millis } from '../../../base/clock.js'
import type { LocalInterface } from './interfaces.js'
import { ADDRESSES_MAX, addressesIn, hostOf } from './name-answers.js'
import { labelPattern } from './prefilter.js'

/** Hosts that are looked up at a time: as many as there are connections. */
const LOOKUPS_MAX = 64

/** Time to collect further answers after the first: a peer answers on every interface. */
const COLLECT_MS = 20

type Waiter = { readonly resolve: (addresses: string[]) => void; readonly cancel: Cancel }

type Lookup = {
  readonly mark: string
  readonly addresses: Set<string>
  readonly waiters: Set<Waiter>
  /** Cancels the next query, or the end of collecting. */
  cancel: Cancel
}

/** Time from the start to query `number`, counted from 0: 0, 250 ms, 1 s, 2 s, 4 s, … */
const queryAtMs = (number: number): Millis => (number === 0 ? 0 : number === 1 ? 250 : 1_000 * 2 ** (number - 2))

/** Looks up `.local` names. Lookups of one host share their queries. */
export class Lookups {
  readonly #clock: Clock
  readonly #query: (host: string) => void
  readonly #lookups = new Map<string, Lookup>()
  #isClosed = false

  /** `query` sends a query. Responses arrive through `receive`. */
  constructor(clock: Clock, query: (host: string) => void) {
    this.#clock = clock
    this.#query = query
  }

  /** The addresses of a host; none if no one answers in time, the name is not valid, or there are too many lookups. */
  find(name: string, timeoutMs: Millis): Promise<string[]> {
    const host = hostOf(name)
    if (host === undefined || this.#isClosed) return Promise.resolve([])
    const lookup = this.#lookups.get(host) ?? this.#start(host)
    if (lookup === undefined) return Promise.resolve([])
    return new Promise(resolve => {
      const waiter = { resolve, cancel: this.#clock.after(timeoutMs, () => this.#timeOut(host, lookup, waiter)) }
      lookup.waiters.add(waiter)
    })
  }

  /** Processes a decoded response, which may contain anything, received on the interface `at`. */
  receive(response: unknown, at: LocalInterface): void {
    for (const [host, lookup] of this.#lookups) {
      const wasEmpty = lookup.addresses.size === 0
      for (const address of addressesIn(response, host, at)) {
        if (lookup.addresses.size < ADDRESSES_MAX) lookup.addresses.add(address)
      }
      if (!wasEmpty || lookup.addresses.size === 0) continue
      lookup.cancel()
      lookup.cancel = this.#clock.after(COLLECT_MS, () => this.#finish(host, lookup))
    }
  }

  /** Byte patterns of the hosts that are looked up, for the prefilter. */
  *marks(): Iterable<string> {
    for (const { mark } of this.#lookups.values()) yield mark
  }

  /** Ends all lookups with the addresses found so far. */
  close(): void {
    this.#isClosed = true
    for (const [host, lookup] of this.#lookups) this.#finish(host, lookup)
  }

  #start(host: string): Lookup | undefined {
    if (this.#lookups.size >= LOOKUPS_MAX) return undefined
    const lookup: Lookup = { mark: labelPattern(host), addresses: new Set(), waiters: new Set(), cancel: () => {} }
    this.#lookups.set(host, lookup)
    this.#queryAgain(host, lookup, 0)
    return lookup
  }

  #queryAgain(host: string, lookup: Lookup, number: number): void {
    const waitMs = queryAtMs(number + 1) - queryAtMs(number)
    lookup.cancel = this.#clock.after(waitMs, () => this.#queryAgain(host, lookup, number + 1))
    this.#query(host)
  }

  #timeOut(host: string, lookup: Lookup, waiter: Waiter): void {
    lookup.waiters.delete(waiter)
    waiter.resolve([...lookup.addresses])
    if (lookup.waiters.size === 0) this.#finish(host, lookup)
  }

  #finish(host: string, lookup: Lookup): void {
    this.#lookups.delete(host)
    lookup.cancel()
    for (const { resolve, cancel } of lookup.waiters) {
      cancel()
      resolve([...lookup.addresses])
    }
    lookup.waiters.clear()
  }
}
