import type { Millis } from './clock.js'

/** A rate limit: a burst of `capacity` uses, refilled evenly over `periodMs`. */
export class TokenBucket {
  readonly #capacity: number
  readonly #periodMs: Millis
  #tokens: number
  #refilledAt: Millis

  constructor(capacity: number, now: Millis, periodMs: Millis = 1_000) {
    this.#capacity = capacity
    this.#periodMs = periodMs
    this.#tokens = capacity
    this.#refilledAt = now
  }

  /** Uses one token; false if none is left. Setting the clock back neither adds nor removes tokens. */
  take(now: Millis): boolean {
    const earned = (Math.max(0, now - this.#refilledAt) * this.#capacity) / this.#periodMs
    this.#tokens = Math.min(this.#capacity, this.#tokens + earned)
    this.#refilledAt = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
