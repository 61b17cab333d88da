import type { Cancel, Clock, Millis } from '../../../base/clock.js'
import type { LocalInterface } from './interfaces.js'
import { ADDRESSES_MAX, addressesIn, hostOf } from './name-answers.js'
import { labelMark } from './prefilter.js'

/** Hosts that are asked for at a time. As many as a peer has links. */
const LOOKUPS_MAX = 64

/** After the first answer, how long others are collected: the same peer answers on every interface. */
const COLLECT_MS = 20

type Waiter = { readonly resolve: (addresses: string[]) => void; readonly cancel: Cancel }

type Lookup = {
  readonly mark: string
  readonly addresses: Set<string>
  readonly waiters: Set<Waiter>
  /** Stops what comes next: the next question, or the end of collecting. */
  cancel: Cancel
}

/** From the start to question number `asked`, of which the first is 0: 250 ms, 1 s, 2 s, 4 s, … */
const askedAtMs = (asked: number): Millis => (asked === 0 ? 0 : asked === 1 ? 250 : 1_000 * 2 ** (asked - 2))

/** Questions that wait for an answer. Those for one host, spelt alike, share it. */
export class Lookups {
  readonly #clock: Clock
  readonly #ask: (host: string) => void
  readonly #lookups = new Map<string, Lookup>()
  #isClosed = false

  /** `ask` puts the question on the network; what is answered comes in by `hear`. */
  constructor(clock: Clock, ask: (host: string) => void) {
    this.#clock = clock
    this.#ask = ask
  }

  /** The addresses of `host`; [] where nobody answers in time, where it is no host, and for one lookup too many. */
  find(name: string, timeoutMs: Millis): Promise<string[]> {
    const host = hostOf(name)
    if (host === undefined || this.#isClosed) return Promise.resolve([])
    const lookup = this.#lookups.get(host) ?? this.#start(host)
    if (lookup === undefined) return Promise.resolve([])
    return new Promise(resolve => {
      const waiter = { resolve, cancel: this.#clock.after(timeoutMs, () => this.#giveUp(host, lookup, waiter)) }
      lookup.waiters.add(waiter)
    })
  }

  /** Takes a decoded response, whatever is in it, heard on the interface `at`. */
  receive(response: unknown, at: LocalInterface): void {
    for (const [host, lookup] of this.#lookups) {
      const wereNone = lookup.addresses.size === 0
      for (const address of addressesIn(response, host, at)) {
        if (lookup.addresses.size < ADDRESSES_MAX) lookup.addresses.add(address)
      }
      if (!wereNone || lookup.addresses.size === 0) continue
      lookup.cancel()
      lookup.cancel = this.#clock.after(COLLECT_MS, () => this.#finish(host, lookup))
    }
  }

  /** What a datagram must have one of to matter here. */
  *marks(): Iterable<string> {
    for (const { mark } of this.#lookups.values()) yield mark
  }

  /** Ends every lookup with what it has. */
  close(): void {
    this.#isClosed = true
    for (const [host, lookup] of this.#lookups) this.#finish(host, lookup)
  }

  #start(host: string): Lookup | undefined {
    if (this.#lookups.size >= LOOKUPS_MAX) return undefined
    const lookup: Lookup = { mark: labelMark(host), addresses: new Set(), waiters: new Set(), cancel: () => {} }
    this.#lookups.set(host, lookup)
    this.#askAgain(host, lookup, 0)
    return lookup
  }

  #askAgain(host: string, lookup: Lookup, asked: number): void {
    const waitMs = askedAtMs(asked + 1) - askedAtMs(asked)
    lookup.cancel = this.#clock.after(waitMs, () => this.#askAgain(host, lookup, asked + 1))
    this.#ask(host)
  }

  #giveUp(host: string, lookup: Lookup, waiter: Waiter): void {
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
