import type { Millis } from '../../../base/clock.js'

/**
 * Virtual time in whole milliseconds, for millions of events without cancellation: scheduling takes constant time. Events in
 * the same millisecond happen in the order of scheduling.
 */
export class Calendar {
  readonly #buckets = new Map<Millis, (() => void)[]>()
  #current: (() => void)[] = []
  #index = 0
  #now: Millis = 0
  #waiting = 0

  get now(): Millis {
    return this.#now
  }

  after(delayMs: Millis, action: () => void): void {
    const due = this.#now + Math.max(0, Math.round(delayMs))
    this.#waiting++
    if (due === this.#now) {
      this.#current.push(action)
      return
    }
    const bucket = this.#buckets.get(due)
    if (bucket === undefined) this.#buckets.set(due, [action])
    else bucket.push(action)
  }

  /** Performs the next event and returns true, or advances to `until` and returns false if none is due by then. */
  step(until: Millis): boolean {
    while (this.#index >= this.#current.length) {
      if (this.#waiting === 0 || this.#now >= until) {
        this.#now = Math.max(this.#now, until)
        return false
      }
      this.#now++
      this.#current = this.#buckets.get(this.#now) ?? []
      this.#buckets.delete(this.#now)
      this.#index = 0
    }
    const action = this.#current[this.#index] as () => void
    // Lets the garbage collector free the action before the other actions of this millisecond have run.
    this.#current[this.#index++] = NOTHING
    this.#waiting--
    action()
    return true
  }
}

const NOTHING = (): void => {}
