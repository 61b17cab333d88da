import type { Cancel, Clock, Millis } from '../../base/clock.js'

/** How often the node is pinged. */
const ASK_MS = 500
/** How long the node may take to answer before its faces report it. */
export const ANSWER_MS = 2_000
/** A timer that fires later than this shows that this process was suspended, and not that the node is silent. */
const LATE_MS = 500

/** Calls `onSilent` when the node has not answered in time, unless it is cancelled. */
export function afterSilence(clock: Clock, answerMs: Millis, onSilent: () => void): Cancel {
  const dueAt = clock.now() + answerMs
  let cancel = clock.after(answerMs, () => {
    if (clock.now() <= dueAt + LATE_MS) return onSilent()
    cancel = afterSilence(clock, answerMs, onSilent)
  })
  return () => cancel()
}

export interface WatchedNode {
  readonly isGone: boolean
  /** Whether the node has closed the room, and therefore answers nothing. */
  readonly isParked: boolean
  /** Resolves when the node answers; rejects when it is gone. */
  ping(): Promise<void>
}

/**
 * Pings the node while its room is shown. One node serves every room of a terminal, so pinging for the shown room is
 * enough. Calls `onChange` with the time of the first unanswered ping when the node stops answering, and again when it
 * answers.
 */
export class NodeWatch {
  readonly #node: WatchedNode
  readonly #clock: Clock
  readonly #onChange: (silentSince: Millis | undefined) => void
  #isPaused = false
  #isAsking = false
  #isSilent = false
  #cancelNext: Cancel = () => {}

  constructor(node: WatchedNode, clock: Clock, onChange: (silentSince: Millis | undefined) => void) {
    this.#node = node
    this.#clock = clock
    this.#onChange = onChange
  }

  /** The room is shown: pings at once, and from now on. */
  start(): void {
    this.#isPaused = false
    this.#cancelNext()
    this.#ask()
  }

  /** The room is hidden. If the node is silent now, its next answer is still reported. */
  pause(): void {
    this.#isPaused = true
    this.#cancelNext()
  }

  #ask(): void {
    if (this.#node.isGone || this.#node.isParked || this.#isPaused || this.#isAsking) return
    this.#isAsking = true
    const askedAt = this.#clock.now()
    const cancel = afterSilence(this.#clock, ANSWER_MS, () => {
      this.#isSilent = true
      this.#onChange(askedAt)
    })
    const settle = (): void => {
      this.#isAsking = false
      cancel()
    }
    this.#node.ping().then(() => {
      settle()
      if (this.#isSilent) this.#onChange(undefined)
      this.#isSilent = false
      if (!this.#isPaused) this.#cancelNext = this.#clock.after(ASK_MS, () => this.#ask())
    }, settle)
  }
}
