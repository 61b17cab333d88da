import type { Clock, Millis } from '../../base/clock.js'
import type { LogId } from './author.js'

declare const hlcBrand: unique symbol

/**
 * A reading of the hybrid logical clock, `at` on the wire: 13 digits of milliseconds, `.`, 4 digits of a counter. Sorts as text.
 * docs/protocol/logs.md §3.3; Kulkarni et al., "Logical Physical Clocks" (2014).
 */
export type Hlc = string & { readonly [hlcBrand]: true }

const HLC = /^\d{13}\.\d{4}$/
const COUNTER_MAX = 9_999
const MILLIS_MAX = 9_999_999_999_999

/** A system clock that shows an earlier time was never set. On a board without a battery it starts at 1970. */
export const UNSET_CLOCK_BEFORE_MS: Millis = Date.UTC(2020, 0, 1)

/** How far a known person's reading may be ahead of the system clock, so that the hybrid clock still follows it. */
export const AHEAD_MS_MAX = 12 * 60 * 60 * 1000
/** The same limit for strangers: the largest error of a synchronised clock. */
const STRANGERS_AHEAD_MS_MAX = 60 * 1000
/** A reading that is further ahead came from a wrong clock. Twice the limit above, so that small corrections of a clock do not matter. */
const RETURN_MS = 2 * AHEAD_MS_MAX

export const HLC_LENGTH = 18
export const EARLIEST: Hlc = '0000000000000.0000' as Hlc
const LATEST: Hlc = '9999999999999.9999' as Hlc

export const hlcOf = (text: string): Hlc | undefined => (HLC.test(text) ? (text as Hlc) : undefined)

/** The first reading of a millisecond. */
export function hlcAt(millis: Millis, counter = 0): Hlc {
  const bounded = Math.min(Math.max(0, Math.floor(millis)), MILLIS_MAX)
  return `${String(bounded).padStart(13, '0')}.${String(counter).padStart(4, '0')}` as Hlc
}

export const millisOf = (hlc: Hlc): Millis => Number(hlc.slice(0, 13))

const counterOf = (hlc: Hlc): number => Number(hlc.slice(14))

/** The least reading after `hlc`; the counter carries into the millisecond. */
export function justAfter(hlc: Hlc): Hlc {
  const counter = counterOf(hlc)
  return counter < COUNTER_MAX ? hlcAt(millisOf(hlc), counter + 1) : hlcAt(millisOf(hlc) + 1)
}

export const later = (a: Hlc, b: Hlc): Hlc => (a > b ? a : b)

/** Assigns each new entry a reading later than all readings that this peer has seen, except those too far ahead to follow. */
export class HybridClock {
  readonly #clock: Clock
  readonly #isKnown: (log: LogId) => boolean
  #newest: Hlc = EARLIEST
  /** `#newest` as numbers. */
  #millis: Millis = 0
  #counter = 0
  #lastMillis: Millis = 0
  /** `#millis` as text, cached for the entries of one millisecond. */
  #text = EARLIEST.slice(0, 13)

  /** `isKnown`: whether the user knows the author of a log. */
  constructor(clock: Clock, isKnown: (log: LogId) => boolean = () => true) {
    this.#clock = clock
    this.#isKnown = isKnown
  }

  /** Follows the reading of an entry in `log` unless it is too far ahead. */
  observe(hlc: Hlc, log: LogId): void {
    if (hlc > this.#newest && this.isCredible(hlc, log)) this.#follow(hlc)
  }

  /** Whether the clock may follow a reading in `log`. An unset system clock follows every reading. */
  isCredible(hlc: Hlc, log: LogId): boolean {
    return hlc <= this.newestCredible(this.#isKnown(log))
  }

  /** The latest reading that the clock would follow now, from a known person or from a stranger. */
  newestCredible(isKnown: boolean): Hlc {
    const now = this.#clock.now()
    if (now < UNSET_CLOCK_BEFORE_MS) return LATEST
    return hlcAt(now + (isKnown ? AHEAD_MS_MAX : STRANGERS_AHEAD_MS_MAX), COUNTER_MAX)
  }

  /** Whether the system clock was wrong when `reading` was made, and was set back later. */
  hasComeBackFrom(reading: Hlc): boolean {
    this.#comeBack()
    const now = this.#clock.now()
    return reading > this.#newest && now >= UNSET_CLOCK_BEFORE_MS && reading > hlcAt(now + RETURN_MS)
  }

  /** The reading for an entry written now, after one at `previous`. */
  next(previous: Hlc = EARLIEST): Hlc {
    this.#comeBack()
    if (previous > this.#newest && previous > this.newestCredible(true)) {
      const at = justAfter(previous)
      this.#lastMillis = millisOf(at)
      return at
    }
    if (previous > this.#newest) this.#follow(previous)
    const now = Math.floor(this.#clock.now())
    if (now > this.#millis) this.#setMillis(now)
    else if (this.#counter < COUNTER_MAX) this.#counter++
    else this.#setMillis(this.#millis + 1)
    this.#lastMillis = this.#millis
    this.#newest = `${this.#text}.${String(COUNTER_MAX + 1 + this.#counter).slice(1)}` as Hlc
    return this.#newest
  }

  /** The milliseconds of the reading that `next` returned last. */
  get lastMillis(): Millis {
    return this.#lastMillis
  }

  /** Forgets the readings that it has followed if they are too far ahead of a system clock that was set back. */
  #comeBack(): void {
    const now = this.#clock.now()
    if (this.#millis <= now + RETURN_MS || now < UNSET_CLOCK_BEFORE_MS) return
    this.#setMillis(0)
    this.#newest = EARLIEST
  }

  #setMillis(millis: Millis): void {
    this.#millis = millis
    this.#counter = 0
    this.#text = hlcAt(millis).slice(0, 13)
  }

  #follow(hlc: Hlc): void {
    this.#setMillis(millisOf(hlc))
    this.#newest = hlc
    this.#counter = counterOf(hlc)
  }
}
