// Limits of connections with scuttleup peers. docs/protocol/compat-scuttleup.md gives them to other programs.

/** Entries of one signed author that arrived without a signature and wait for one: two segments. */
export const BUFFERED_AUTHOR_BYTES_MAX = 64 * 1024

/** The same for all authors of one connection. */
export const BUFFERED_CONNECTION_BYTES_MAX = 1024 * 1024

/** New authors that an inbound connection may introduce in an hour: limits how fast a stranger can use up AUTHORS_MAX. */
export const NEW_AUTHORS_PER_HOUR_MAX = 32
