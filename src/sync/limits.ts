import { AUTHORS_MAX } from '../log/limits.js'

// Limits of replication, specified for other implementations in docs/protocol/wire.md.

/** Heads in one message, so that it fits into a frame. More are sent in pages. */
export const HEADS_MAX = 2_000

/** Logs whose heads one connection remembers: as many as an honest peer has, because its database has the same limit. */
export const trackedLogsMax = (logsMax: number = AUTHORS_MAX): number => Math.max(AUTHORS_MAX, logsMax)

/** Evicts the oldest elements, until at most `max` are left. */
export function forgetOldest<K>(tracked: Map<K, unknown> | Set<K>, max: number): void {
  for (const oldest of tracked.keys()) {
    if (tracked.size <= max) return
    tracked.delete(oldest)
  }
}

/** A session with more heads starts with fingerprints instead, which are as long as five heads. */
export const HEADS_AT_ONCE_MAX = 4

/** Logs for which one connection may have an unanswered segment request. */
export const SEGMENT_REQUESTS_MAX = 64

/** Logs that may be rejected on one connection; more rejections close it. */
export const REJECTED_LOGS_MAX = 1_000

/** Rejections of a log that are tolerated while a segment request for it is open. */
export const REFUSALS_MAX = 64

/** How long announced entries may take to arrive over another connection before this side subscribes to them. */
export const SUBSCRIBE_AFTER_MS = 250

/** How long a log that is behind may stall before this side subscribes to the next announcer. */
export const STALL_MS_MAX = 4_000

/** Ranges of a log in one note about places without content. */
export const GAP_RANGES_MAX = 64

/** Notes about places without content in one frame, so that they fit. */
export const GAPS_NOTES_MAX = 256

/** Largest number of places in one content request. */
export const CONTENT_PLACES_MAX = 1024

/** How long a content request may stay unanswered. */
export const CONTENT_MS_MAX = 10_000

/** First and longest wait before content is requested again from a peer that did not have it. */
export const CONTENT_RETRY_MS_MIN = 1_000
export const CONTENT_RETRY_MS_MAX = 600_000
