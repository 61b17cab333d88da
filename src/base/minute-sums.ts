import type { Cancel, Clock, Millis } from './clock.js'

const WINDOW_MS: Millis = 60_000

/**
 * Rate limit for reports: the caller reports the first event of a kind at once, and receives the number of further events at the end of the
 * minute. Then another minute begins, so that the next event is not reported right after this number.
 */
export class MinuteSums<Kind> {
  readonly #clock: Clock
  readonly #onSum: (kind: Kind, count: number) => void
  readonly #sums = new Map<Kind, { count: number; cancel: Cancel }>()

  constructor(clock: Clock, onSum: (kind: Kind, count: number) => void) {
    this.#clock = clock
    this.#onSum = onSum
  }

  /** Whether this is the first of its kind in a minute; if not, it is counted. */
  isFirst(kind: Kind): boolean {
    const sum = this.#sums.get(kind)
    if (sum === undefined) this.#begin(kind)
    else sum.count++
    return sum === undefined
  }

  close(): void {
    for (const { cancel } of this.#sums.values()) cancel()
    this.#sums.clear()
  }

  #begin(kind: Kind): void {
    this.#sums.set(kind, { count: 0, cancel: this.#clock.after(WINDOW_MS, () => this.#end(kind)) })
  }

  #end(kind: Kind): void {
    const count = this.#sums.get(kind)?.count ?? 0
    this.#sums.delete(kind)
    if (count === 0) return
    this.#begin(kind)
    this.#onSum(kind, count)
  }
}
