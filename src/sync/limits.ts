// Limits of replication. docs/protocol/wire.md gives them to other programs.

/** Heads in one message: AUTHORS_MAX, and those of databases that were filled before that limit. */
export const HEADS_MAX = 2_000

/** Heads that a session sends at once; more are replaced by fingerprints, which take as many bytes as five of them. */
export const HEADS_AT_ONCE_MAX = 4

/** Logs for which one connection may have an unanswered segment request. */
export const SEGMENT_REQUESTS_MAX = 64

/** Rejections of a log that are skipped while a requested segment of it is outstanding. */
export const REFUSALS_MAX = 64

/** How long announced entries may take to arrive over another connection before this side subscribes to them. */
export const SUBSCRIBE_AFTER_MS = 250

/** How long a log that is behind may fail to grow before another announcer, or the same one again, is subscribed to. */
export const STALL_MS_MAX = 8_000
