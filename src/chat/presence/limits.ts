// Limits of presence. docs/protocol/presence.md specifies them for other implementations.

/** Longest status, with its signature: a name, an away message and some numbers. */
export const STATUS_BYTES_MAX = 1024

/** Longest away message. */
export const AWAY_BYTES_MAX = 256

/** Longest validity of a status. Bounds how long an absent author can be shown as present. */
export const STATUS_MS_MAX = 600_000

/** Hops of a status: enough for a chain of that many peers, and for larger networks that are not a chain. */
export const STATUS_HOPS_MAX = 16

/** Authors whose status is remembered; further ones evict others. */
export const STATUSES_MAX = 1_000

/** New statuses that are accepted from one connection in a second; verifying one takes 60 µs. */
export const STATUSES_PER_SECOND_MAX = 64

/** New statuses that are accepted from one author in a second. Honest peers send one. */
export const STATUSES_PER_AUTHOR_PER_SECOND_MAX = 3

/** Statuses in one request. */
export const STATUS_REQUEST_MAX = 64

/** Digests that are read from one connection in a second. Honest peers send one in a few seconds. */
export const DIGESTS_PER_SECOND_MAX = 16
