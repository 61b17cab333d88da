import type { Millis } from '../../base/clock.js'

/** How much may happen in a second: what is not used is saved, up to a second's worth. */
export class Allowance {
  readonly #perSecond: number
  #left: number
  #atMs: Millis | undefined

  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#left = perSecond
  }

  /** Uses one up. False where none is left. */
  take(nowMs: Millis): boolean {
    const passedMs = Math.max(0, nowMs - (this.#atMs ?? nowMs))
    this.#atMs = nowMs
    this.#left = Math.min(this.#perSecond, this.#left + (passedMs * this.#perSecond) / 1_000)
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
