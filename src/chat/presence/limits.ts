// Limits of presence. docs/protocol/presence.md specifies them for other implementations.

/** Longest status, with its signature, in bytes: a name, an away message and some numbers. */
export const STATUS_BYTES_MAX = 1024

/** Longest away message, in bytes. */
export const AWAY_BYTES_MAX = 256

/** Longest validity of a status. Bounds how long an absent author can be shown as present. */
export const STATUS_MS_MAX = 600_000

/**
 * Largest number of hops of a status: enough for a chain of that many peers, and for larger networks that are not a
 * chain.
 */
export const STATUS_HOPS_MAX = 16

/** Largest number of authors whose status is remembered; further authors evict others. */
export const STATUSES_MAX = 1_000

/** Largest number of new statuses per second that are accepted from one connection; verifying one takes 60 µs. */
export const STATUSES_PER_SECOND_MAX = 64

/** Largest number of new statuses per second that are accepted from one author. Honest peers send one. */
export const STATUSES_PER_AUTHOR_PER_SECOND_MAX = 3

/** Largest number of statuses in one request. */
export const STATUS_REQUEST_MAX = 64

/** Largest number of digests per second that are read from one connection. Honest peers send one in a few seconds. */
export const DIGESTS_PER_SECOND_MAX = 16
