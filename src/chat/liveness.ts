import type { Millis } from '../base/clock.js'

/** A message that arrives later than this after it was written is history. */
const LATE_MS = 300_000
/** The two ends of a connection see it open at slightly different times. */
const OPENING_MS = 50

/** The circumstances in which a message arrived. */
export interface Arrival {
  readonly now: Millis
  /** When this program started. */
  readonly startedAt: Millis
  /** When the newest connection to a peer opened. */
  readonly connectedAt: Millis
  readonly isOurs: boolean
}

/**
 * Whether a message that arrived was written just now, rather than before this program started or before a peer connected.
 * Uses the clock of the author.
 */
export function isLive(writtenAt: Millis, { now, startedAt, connectedAt, isOurs }: Arrival): boolean {
  if (writtenAt < startedAt || now - writtenAt > LATE_MS) return false
  return isOurs || writtenAt >= connectedAt - OPENING_MS
}
