import type { Cancel, Clock, Millis } from '../../src/base/clock.js'

interface Timer {
  readonly due: Millis
  readonly action: () => void
}

/** A clock that only the test advances. */
export class VirtualClock implements Clock {
  /** The delays of all timers set so far, in order. */
  readonly delays: Millis[] = []
  readonly #timers = new Set<Timer>()
  #now: Millis
  #onArmed: (() => void)[] = []

  constructor(now: Millis = 1_800_000_000_000) {
    this.#now = now
  }

  now(): Millis {
    return this.#now
  }

  after(delayMs: Millis, action: () => void): Cancel {
    const timer: Timer = { due: this.#now + delayMs, action }
    this.delays.push(delayMs)
    this.#timers.add(timer)
    for (const tell of this.#onArmed.splice(0)) tell()
    return () => void this.#timers.delete(timer)
  }

  get timers(): number {
    return this.#timers.size
  }

  /** Advances the time and runs the timers that come due, in order. A negative `byMs` sets the clock back. */
  advance(byMs: Millis): void {
    const end = this.#now + byMs
    for (let next = this.#next(); next !== undefined && next.due <= end; next = this.#next()) this.#fire(next)
    this.#now = end
  }

  /** Resolves as soon as a timer is set. */
  async armed(): Promise<void> {
    if (this.#timers.size === 0) await new Promise<void>(resolve => this.#onArmed.push(resolve))
  }

  /** Advances the time from timer to timer until `work` settles. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const done = () => {
      isDone = true
    }
    const settled = work.then(done, done)
    while (!isDone) {
      await Promise.race([settled, this.armed()])
      // Lets real IO progress, even if a timer is always set.
      await new Promise(resolve => setImmediate(resolve))
      const next = this.#next()
      if (next !== undefined && !isDone) this.#fire(next)
    }
    return work
  }

  #next(): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) if (next === undefined || timer.due < next.due) next = timer
    return next
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer)
    this.#now = Math.max(this.#now, timer.due)
    timer.action()
  }
}
