// The bounds of the flooding network; README.md in this folder has them in a table.

/** One line of the flooding network. A long text still fits, and a terminal hands over no longer line either. */
export const LINE_BYTES_MAX = 4096

/** Messages that a client of the flooding network remembers in one run: a million short ones. It ends rather than forget one. */
export const SENT_BYTES_MAX = 64 * 1024 * 1024

/** Connections of one client of the flooding network: a whole class at the first of them. */
export const CONNECTIONS_MAX = 256

/** What may wait for a client of the flooding network that does not read, before it is left. */
export const WAITING_BYTES_MAX = 1024 * 1024

/** Longest time for opening a connection. */
export const DIAL_MS_MAX = 5_000
