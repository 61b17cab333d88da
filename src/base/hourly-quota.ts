import type { Clock } from './clock.js'

/** How many new authors a link may still bring within the hour. */
export class HourlyQuota {
  readonly #clock: Clock
  readonly #perHourMax: number
  #hourStart: number
  #taken = 0

  constructor(clock: Clock, perHourMax: number) {
    this.#clock = clock
    this.#perHourMax = perHourMax
    this.#hourStart = clock.now()
  }

  /** Whether one more is allowed; counts it. */
  take(): boolean {
    if (this.#clock.now() - this.#hourStart >= 60 * 60 * 1000) {
      this.#hourStart = this.#clock.now()
      this.#taken = 0
    }
    return this.#taken++ < this.#perHourMax
  }
}
