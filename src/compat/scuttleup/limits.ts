// Limits of connections with scuttleup peers, specified for other implementations in docs/protocol/compat-scuttleup.md.

/** Bytes of one signed author's entries that may wait for their signature: two segments. */
export const BUFFERED_AUTHOR_BYTES_MAX = 256 * 1024

/** The same limit for all authors of one connection together. */
export const BUFFERED_CONNECTION_BYTES_MAX = 1024 * 1024
