import TinyQueue from 'tinyqueue'
import type { Cancel, Clock, Millis } from '../../base/clock.js'
import type { Lifecycle } from './lifecycle.js'

interface Event {
  readonly due: Millis
  /** Events that are due at the same time happen in the order of scheduling. */
  readonly order: number
  readonly action: () => void
  isCancelled: boolean
}

/** The offset of a machine's clock from virtual time. */
export interface ClockOffset {
  aheadMs: Millis
}

/** Virtual time, which advances only from event to event. */
export class VirtualTime {
  readonly #events = new TinyQueue<Event>([], (a, b) => a.due - b.due || a.order - b.order)
  #now: Millis
  #order = 0

  constructor(now: Millis) {
    this.#now = now
  }

  get now(): Millis {
    return this.#now
  }

  after(delayMs: Millis, action: () => void): Cancel {
    const event: Event = { due: this.#now + Math.max(0, delayMs), order: this.#order++, action, isCancelled: false }
    this.#events.push(event)
    return () => {
      event.isCancelled = true
    }
  }

  /** Performs the next event and returns true. If no event is due by `until`, advances to `until` and returns false. */
  step(until: Millis): boolean {
    for (;;) {
      const event = this.#events.peek()
      if (event === undefined || event.due > until) {
        this.#now = Math.max(this.#now, until)
        return false
      }
      this.#events.pop()
      if (event.isCancelled) continue
      this.#now = Math.max(this.#now, event.due)
      event.action()
      return true
    }
  }

  /** The clock of one process. */
  clockFor(offset: ClockOffset, life: Lifecycle): Clock {
    return {
      now: () => Math.floor(this.#now + offset.aheadMs),
      after: (delayMs, action) => {
        let isCancelled = false
        const cancel = this.after(delayMs, () =>
          life.act(() => {
            if (!isCancelled) action()
          }),
        )
        return () => {
          isCancelled = true
          cancel()
        }
      },
    }
  }
}
