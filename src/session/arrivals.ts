import type { Millis } from '../base/clock.js'
import type { Message } from '../chat/kinds/message.js'

/** Shortest time between two batches: messages that arrive within it are shown together. */
const GATHER_MS = 16

/** If this many messages arrive at once, a log is catching up: only its newest messages are shown. */
const BURST_MIN = 100
const SHOWN_MAX = 200
/** Largest number of shown messages that are dated ahead. */
const AHEAD_SHOWN_MAX = SHOWN_MAX / 4
/**
 * Messages of a log that is catching up are shown when no more arrive, and after BURST_MS_MAX at the latest. Missed
 * messages arrive log by log, so they wait longer, to be sorted together.
 */
const QUIET_MS = 200
const MISSED_QUIET_MS = 400
const BURST_MS_MAX = 2_000

/** Messages that are shown together. */
export interface ArrivalBatch {
  /** In order of arrival; in conversation order while a log is catching up. */
  readonly messages: readonly Message[]
  /** Number of older messages that are omitted. */
  readonly skipped: number
  /** Number of messages, including the omitted ones, that were written before this session started. */
  readonly missed: number
  /** Whether more were still arriving when the batch was made. */
  readonly isCut: boolean
}

/** Messages that have arrived and are not shown yet. */
export class Arrivals {
  readonly #isMissed: (message: Message) => boolean
  #messages: Message[] = []
  #count = 0
  #missed = 0
  #firstAt = 0
  #lastAt = 0
  #shownAt = 0

  constructor(isMissed: (message: Message) => boolean) {
    this.#isMissed = isMissed
  }

  push(messages: readonly Message[], now: Millis): void {
    if (messages.length === 0) return
    if (this.#count === 0) this.#firstAt = now
    this.#lastAt = now
    this.#count += messages.length
    this.#missed += messages.filter(this.#isMissed).length
    this.#messages = [...this.#messages, ...messages]
    if (this.#messages.length > 2 * SHOWN_MAX) this.#messages = newest(this.#messages)
  }

  /** When the next batch is due; undefined if there is none. */
  get dueAt(): Millis | undefined {
    if (this.#count === 0) return undefined
    if (!this.#isCatchingUp) return Math.max(this.#firstAt, this.#shownAt + GATHER_MS)
    return Math.min(this.#lastAt + this.#quietMs, this.#firstAt + BURST_MS_MAX)
  }

  take(now: Millis): ArrivalBatch {
    const messages = this.#isCatchingUp ? newest(this.#messages) : this.#messages
    const batch = {
      messages,
      skipped: this.#count - messages.length,
      missed: this.#missed,
      isCut: this.#isCatchingUp && now < this.#lastAt + this.#quietMs,
    }
    this.#messages = []
    this.#count = 0
    this.#missed = 0
    this.#shownAt = now
    return batch
  }

  get #quietMs(): Millis {
    return this.#missed > 0 ? MISSED_QUIET_MS : QUIET_MS
  }

  get #isCatchingUp(): boolean {
    return this.#count >= BURST_MIN || this.#missed > 0
  }
}

/**
 * The newest messages, sorted, because several logs do not arrive in conversation order. Messages that are dated ahead
 * do not displace others.
 */
function newest(messages: readonly Message[]): Message[] {
  const sorted = messages.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  const ahead = sorted.filter(({ isAhead }) => isAhead)
  return [...sorted.filter(({ isAhead }) => !isAhead).slice(-SHOWN_MAX), ...ahead.slice(-AHEAD_SHOWN_MAX)]
}
