import type { Clock, Millis } from '../../base/clock.js'

declare const atBrand: unique symbol

/**
 * A reading of the hybrid logical clock: 13 digits of milliseconds, `.`, 4 digits of a counter. Sorts as text.
 * PROTOCOL.md §3.3; Kulkarni et al., "Logical Physical Clocks" (2014).
 */
export type Hlc = string & { readonly [atBrand]: true }

const AT = /^\d{13}\.\d{4}$/
const COUNTER_MAX = 9_999
const MILLIS_MAX = 9_999_999_999_999

/** A system clock that reads earlier was never set, as on a board without a battery: it starts at 1970. */
export const UNSET_CLOCK_BEFORE_MS: Millis = Date.UTC(2020, 0, 1)

/** How far ahead of the own clock an `at` may be for it to move the clock. */
export const AHEAD_MS_MAX = 12 * 60 * 60 * 1000

export const HLC_LENGTH = 18
export const EARLIEST: Hlc = '0000000000000.0000' as Hlc

export const hlcOf = (text: string): Hlc | undefined => (AT.test(text) ? (text as Hlc) : undefined)

/** The first `at` of a millisecond. */
export function hlcAt(millis: Millis, counter = 0): Hlc {
  const bounded = Math.min(Math.max(0, Math.floor(millis)), MILLIS_MAX)
  return `${String(bounded).padStart(13, '0')}.${String(counter).padStart(4, '0')}` as Hlc
}

export const millisOf = (at: Hlc): Millis => Number(at.slice(0, 13))

const counterOf = (at: Hlc): number => Number(at.slice(14))

/** The least `at` greater than `at`; the counter carries into the millisecond. */
export function justAfter(at: Hlc): Hlc {
  const counter = counterOf(at)
  return counter < COUNTER_MAX ? hlcAt(millisOf(at), counter + 1) : hlcAt(millisOf(at) + 1)
}

export const later = (a: Hlc, b: Hlc): Hlc => (a > b ? a : b)

/** Whether an `at` is further ahead of `now` than any clock should be. */
export const isAhead = (at: Hlc, now: Millis): boolean => millisOf(at) > now + AHEAD_MS_MAX

/** Gives every new entry an `at` after all that this peer has seen, as far as others' clocks can be believed. */
export class HybridClock {
  readonly #clock: Clock
  #newest: Hlc = EARLIEST
  /** The same in numbers. */
  #millis: Millis = 0
  #counter = 0
  /** The milliseconds as text, for the many entries of one. */
  #text = EARLIEST.slice(0, 13)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes note of an `at` that is held here; one more than 12 hours ahead moves nothing. */
  observe(at: Hlc): void {
    if (at > this.#newest && this.isBelievable(at)) this.#follow(at)
  }

  /** Whether the clock may follow `at`. An unset system clock follows whatever it sees. */
  isBelievable(at: Hlc): boolean {
    const now = this.#clock.now()
    return now < UNSET_CLOCK_BEFORE_MS || !isAhead(at, now)
  }

  /** The `at` of an entry written now, after `previous`. */
  next(previous: Hlc = EARLIEST): Hlc {
    if (previous > this.#newest && !this.isBelievable(previous)) return justAfter(previous)
    if (previous > this.#newest) this.#follow(previous)
    const now = Math.floor(this.#clock.now())
    if (now > this.#millis) this.#turnTo(now)
    else if (this.#counter < COUNTER_MAX) this.#counter++
    else this.#turnTo(this.#millis + 1)
    this.#newest = `${this.#text}.${String(COUNTER_MAX + 1 + this.#counter).slice(1)}` as Hlc
    return this.#newest
  }

  #turnTo(millis: Millis): void {
    this.#millis = millis
    this.#counter = 0
    this.#text = hlcAt(millis).slice(0, 13)
  }

  #follow(at: Hlc): void {
    this.#turnTo(millisOf(at))
    this.#newest = at
    this.#counter = counterOf(at)
  }
}
