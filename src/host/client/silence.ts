import type { Cancel, Clock, Millis } from '../../base/clock.js'

/** How often the node is pinged. */
const ASK_MS = 500
/** How long the node may take to answer before its faces report it. */
export const ANSWER_MS = 2_000
/** A timer that fires later than this shows that this process was suspended, rather than the node. */
const LATE_MS = 500

/** Calls `onSilent` unless it is cancelled before the node has had time to answer. */
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
  /** Whether its room is closed, so that it answers nothing. */
  readonly isParked: boolean
  /** Resolves when the node answers; rejects when it is gone. */
  ping(): Promise<void>
}

/** Calls `onChange` with the time of the first unanswered ping when the node stops answering, and again when it answers. */
export function watchNode(node: WatchedNode, clock: Clock, onChange: (silentSince: Millis | undefined) => void): void {
  let isSilent = false
  const ask = (): void => {
    if (node.isGone || node.isParked) return
    const askedAt = clock.now()
    const cancel = afterSilence(clock, ANSWER_MS, () => {
      isSilent = true
      onChange(askedAt)
    })
    node.ping().then(() => {
      cancel()
      if (isSilent) onChange(undefined)
      isSilent = false
      clock.after(ASK_MS, ask)
    }, cancel)
  }
  ask()
}
