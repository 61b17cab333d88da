// Every bound of the program, with its reason. Units stand last in the names. PROTOCOL.md §7 lists them for other programs.

/** What may wait to leave over a link before nothing but logs is said on it. */
export const ASIDE_BYTES_MAX = 64 * 1024

/** Logs of which one handshake says how far they go: AUTHORS_MAX, and those that a database held before there was a limit. */
export const HEADS_MAX = 2_000

/** Heads that are said at once; of more, sums come first, which take as much as these and a half. */
export const HEADS_AT_ONCE_MAX = 4

/** Peers that are not linked any more and of which it is remembered what they held. */
export const LEFT_HOLDERS_MAX = 64

/** New authors that one link may bring in an hour. Bounds how fast a stranger can use up AUTHORS_MAX. */
export const NEW_AUTHORS_PER_HOUR_MAX = 32

/** Entries of one signed author, and of all, that an original peer brought without a signature and that wait for one. */
export const HELD_AUTHOR_BYTES_MAX = 64 * 1024
export const HELD_LINK_BYTES_MAX = 1024 * 1024

/** Logs of which one link may wait for the segment that it asked for. */
export const WISHES_MAX = 64

/** What may be refused of a log over a link while a segment that was asked for is still to come. */
export const REFUSALS_MAX = 64

/** How long what one link told of may take to come over another before it is asked for, and a peer that was asked before others are. */
export const NOTE_MS_MAX = 250

/** How long nothing may come of a log of which more was told, before others are asked, or the same again. */
export const STALL_MS_MAX = 8_000

/**
 * Bytes that wait for the disk from one link before its socket is no longer read: at first, so that the first entries are
 * soon there, and at most, once so much of it was stored. The disk writes some while others are judged.
 */
export const PENDING_BYTES_MIN = 256 * 1024
export const PENDING_BYTES_MAX = 1024 * 1024
