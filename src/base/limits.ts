// Every bound of the program, with its reason. Units stand last in the names. PROTOCOL.md §7 lists them for other programs.

/** What may wait to leave over a link before nothing but logs is said on it. */
export const ASIDE_BYTES_MAX = 64 * 1024

/** The address that either side says at the opening of a link: a name of 63 bytes, `.local`, a port, or a long host name. */
export const OPENING_BYTES_MAX = 256

/** From accept (or connect) until the link is open. Long enough for a slow Wi-Fi, short enough that silence is not kept. */
export const OPENING_MS_MAX = 5_000

/** Open links of one peer; each may hold a few hundred KiB. */
export const LINKS_MAX = 64

/** Sockets that have not yet opened as a link, or never proved who they are. */
export const UNPROVEN_MAX = 16

/** Of those, how many from one address; loopback is exempt, for one machine may run many peers. */
export const UNPROVEN_PER_ADDRESS_MAX = 8

/** How often a link of ours says that it is alive. */
export const HEARTBEAT_MS = 10_000

/** Silence after which a link of ours is dead: three heartbeats missed. */
export const SILENCE_MS_MAX = 30_000

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

/** One status, signature included: a name, why somebody is away, and some numbers. */
export const STATUS_BYTES_MAX = 1024

/** Why somebody is away, in his own words. */
export const AWAY_BYTES_MAX = 256

/** How long a status may hold. Bounds how long somebody who is gone can be shown as there. */
export const STATUS_MS_MAX = 600_000

/** Links that a status crosses at most: enough for a line of so many peers, and for any larger net that is no line. */
export const STATUS_HOPS_MAX = 16

/** Authors of whom a status is kept: as many as a room has. */
export const STATUSES_MAX = 1_000

/** New statuses that one link may bring in a second: each costs 60 µs of checking. */
export const STATUSES_PER_SECOND_MAX = 64

/** New statuses of one author that are taken in a second; honest ones say one. */
export const STATUSES_OF_AUTHOR_PER_SECOND_MAX = 3

/** Statuses that one request asks for. */
export const STATUS_REQUEST_MAX = 64

/** Digests of who is present that are read of one link in a second: honest peers send one in a few seconds. */
export const DIGESTS_PER_SECOND_MAX = 16

/** Links to peers who meet others: so many are made while so few are known, and more are not kept. */
export const VIEW_MAX = 16

/** Links that are made where more are known: in a random net of any size they hold together, whoever leaves. */
export const VIEW_WISHED = 10

/** Contacts of one frame, and those that are remembered. */
export const CONTACTS_AT_ONCE_MAX = 16
export const CONTACTS_MAX = 64

/** Links that the news of a newcomer crosses. */
export const NEWS_HOPS_MAX = 6

/** Frames about contacts that are read of one link in a second. */
export const CONTACT_FRAMES_PER_SECOND_MAX = 32

/** Contacts only heard of that are dialled in a second; and, of those at one host, in a minute: nobody can make many dial somebody. */
export const VISITS_PER_SECOND_MAX = 4
export const VISITS_OF_HOST_PER_MINUTE_MAX = 8
