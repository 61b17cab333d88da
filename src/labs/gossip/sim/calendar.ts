import type { Millis } from '../../../base/clock.js'

/**
 * Virtual time in whole milliseconds, for millions of events that nobody cancels: each costs the same, however many wait.
 * What is due in the same millisecond happens in the order in which it was asked for.
 */
export class Calendar {
  readonly #days = new Map<Millis, (() => void)[]>()
  #today: (() => void)[] = []
  #at = 0
  #now: Millis = 0
  #waiting = 0

  get now(): Millis {
    return this.#now
  }

  after(delayMs: Millis, action: () => void): void {
    const due = this.#now + Math.max(0, Math.round(delayMs))
    this.#waiting++
    if (due === this.#now) {
      this.#today.push(action)
      return
    }
    const day = this.#days.get(due)
    if (day === undefined) this.#days.set(due, [action])
    else day.push(action)
  }

  /** Does what is due next, if that is not after `until`; otherwise time goes on to `until`, and it is false. */
  step(until: Millis): boolean {
    while (this.#at >= this.#today.length) {
      if (this.#waiting === 0 || this.#now >= until) {
        this.#now = Math.max(this.#now, until)
        return false
      }
      this.#now++
      this.#today = this.#days.get(this.#now) ?? []
      this.#days.delete(this.#now)
      this.#at = 0
    }
    const action = this.#today[this.#at] as () => void
    // What is done need not be held until the millisecond is over.
    this.#today[this.#at++] = NOTHING
    this.#waiting--
    action()
    return true
  }
}

const NOTHING = (): void => {}
