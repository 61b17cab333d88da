import type { Millis } from '../../base/clock.js'
import type { Message } from '../../chat/message.js'

/** Lines are shown at once, but not more often than this: those that come closer together are shown together. */
const GATHER_MS = 16

/** More lines than this at once are no conversation, but a log that catches up: then the newest of them are shown. */
const BURST_MIN = 100
const SHOWN_MAX = 200
const QUIET_MS = 200
const BURST_MS_MAX = 2_000

/** What arrived and is not shown yet. */
export class Arrivals {
  #messages: Message[] = []
  #count = 0
  #firstAt = 0
  #lastAt = 0
  #shownAt = 0

  push(messages: readonly Message[], now: Millis): void {
    if (messages.length === 0) return
    if (this.#count === 0) this.#firstAt = now
    this.#lastAt = now
    this.#count += messages.length
    this.#messages = [...this.#messages, ...messages].slice(-SHOWN_MAX)
  }

  /** When they are to be shown; undefined where there are none. */
  get dueAt(): Millis | undefined {
    if (this.#count === 0) return undefined
    if (this.#count < BURST_MIN) return Math.max(this.#firstAt, this.#shownAt + GATHER_MS)
    return Math.min(this.#lastAt + QUIET_MS, this.#firstAt + BURST_MS_MAX)
  }

  /** Those to show, and how many there were before them. */
  take(now: Millis): { readonly messages: readonly Message[]; readonly skipped: number } {
    const taken = { messages: this.#messages, skipped: this.#count - this.#messages.length }
    this.#messages = []
    this.#count = 0
    this.#shownAt = now
    return taken
  }
}
