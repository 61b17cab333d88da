import type { Millis } from './clock.js'

/** What may be done `perSecond` times a second, and as often at once after a pause. */
export class TokenBucket {
  readonly #perSecond: number
  #left: number
  #at: Millis

  constructor(perSecond: number, now: Millis) {
    this.#perSecond = perSecond
    this.#left = perSecond
    this.#at = now
  }

  /** Whether it may be done once more; counts it as done if so. A clock that is set back gives nothing and takes nothing. */
  take(now: Millis): boolean {
    const earned = (Math.max(0, now - this.#at) * this.#perSecond) / 1_000
    this.#left = Math.min(this.#perSecond, this.#left + earned)
    this.#at = now
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
