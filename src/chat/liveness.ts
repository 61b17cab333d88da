import type { Millis } from '../base/clock.js'

/** A line that arrives later than this after it was written is caught up on, and not live. */
const LATE_MS = 300_000
/** Two ends of a connection see it open at slightly different times. */
const OPENING_MS = 50

/** What was going on when a line arrived. */
export interface Arrival {
  readonly now: Millis
  /** When this program started. */
  readonly startedAt: Millis
  /** When the newest connection to a peer opened. */
  readonly connectedAt: Millis
  readonly isOwn: boolean
}

/**
 * Whether a line that arrived was written just now, rather than fetched from before this program started or before a peer
 * connected. Goes by the writer's clock.
 */
export function isLive(writtenAt: Millis, { now, startedAt, connectedAt, isOwn }: Arrival): boolean {
  if (writtenAt < startedAt || now - writtenAt > LATE_MS) return false
  return isOwn || writtenAt >= connectedAt - OPENING_MS
}
