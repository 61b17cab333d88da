// Bounds of the flooding network. See README.md.

/** Longest line, as of a terminal in canonical mode. */
export const LINE_BYTES_MAX = 4096

/** Size of the set of sent messages: a million short messages. A client exits rather than forget a message. */
export const SENT_BYTES_MAX = 64 * 1024 * 1024

/** Connections of one client. */
export const CONNECTIONS_MAX = 256

/** Backlog of a client, in bytes, beyond which its connection is closed. */
export const WAITING_BYTES_MAX = 1024 * 1024

/** Longest time to open a connection. */
export const DIAL_MS_MAX = 5_000
