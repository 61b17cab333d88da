// Limits of connections, specified for other implementations in docs/protocol/wire.md.

/** Longest frame of the handshake. An address is a name of 63 bytes with `.local` and a port, or a long host name. */
export const HANDSHAKE_BYTES_MAX = 256

/** Longest record of the handshake. Bounds what a peer can make us buffer before its key is proven. */
export const AUTH_BYTES_MAX = 510

/** Longest time from accepting or opening a connection until its handshake is complete. Enough for a slow Wi-Fi. */
export const HANDSHAKE_MS_MAX = 5_000

/** How long a connection without a common room stays open, in case a common room is opened. */
export const ROOMLESS_MS_MAX = 30_000

/**
 * Largest number of open connections of one process. An idle connection costs 50 KiB; a connection whose peer does not read, a few hundred
 * KiB.
 */
export const CONNECTIONS_MAX = 128

/** How long a room whose channel broke is not offered on that connection. */
export const BROKEN_CHANNEL_MS = 30_000

/** Shortest time between two recalls of a room on its connections. Each uses a slot of the connection. */
export const RECALL_MS = 10_000

/** Largest number of accepted connections whose handshake is not complete. */
export const UNPROVEN_MAX = 16

/** Largest number of these from one address. Loopback is exempt, because one machine may run many peers. */
export const UNPROVEN_PER_ADDRESS_MAX = 8

/** Time between two heartbeats. */
export const HEARTBEAT_MS = 10_000

/** Silence after which a connection to a native peer is closed: three missed heartbeats. */
export const SILENCE_MS_MAX = 30_000

/** Time for the answer to a ping. Without an answer in this time, another connection to the peer is used instead. */
export const PONG_MS_MAX = 2_000

/** How long frames wait for a peer that does not read them. Then the connection is closed, or only the channel whose frames are not read. */
export const NOT_READING_MS_MAX = 60_000

/** Interval of the checks for unread frames. */
export const READING_CHECK_MS = 10_000
