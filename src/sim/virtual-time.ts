import TinyQueue from 'tinyqueue'
import type { Cancel, Clock, Millis } from '../base/clock.js'
import type { Lifecycle } from './lifecycle.js'

interface Event {
  readonly due: Millis
  /** What is due at the same time happens in the order in which it was asked for. */
  readonly order: number
  readonly action: () => void
  isCancelled: boolean
}

/** A clock of one machine, and how far it is from the truth. */
export interface Watch {
  aheadMs: Millis
}

/** Time that stands still until the next event is asked for. */
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

  /** Does what is due next, if that is not after `until`; otherwise time goes on to `until`, and it is false. */
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

  /** The time as one process sees it. */
  clockFor(watch: Watch, life: Lifecycle): Clock {
    return {
      now: () => Math.floor(this.#now + watch.aheadMs),
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
