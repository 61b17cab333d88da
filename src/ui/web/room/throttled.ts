import type { Cancel, Clock, Millis } from '../../../base/clock.js'

/** Calls `action` after `call`: asynchronously, and at most once in `everyMs`. */
export class Throttled {
  readonly #clock: Clock
  readonly #everyMs: Millis
  readonly #action: () => void
  #calledAt: Millis = Number.NEGATIVE_INFINITY
  #cancel: Cancel | undefined
  #isClosed = false

  constructor(clock: Clock, everyMs: Millis, action: () => void) {
    this.#clock = clock
    this.#everyMs = everyMs
    this.#action = action
  }

  readonly call = (): void => {
    if (this.#cancel !== undefined || this.#isClosed) return
    const waitMs = Math.max(0, this.#calledAt + this.#everyMs - this.#clock.now())
    this.#cancel = this.#clock.after(waitMs, () => {
      this.#cancel = undefined
      this.#calledAt = this.#clock.now()
      this.#action()
    })
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }
}
