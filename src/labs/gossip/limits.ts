// Bounds of a gossip node, with their reasons.

/** Size of one request body and of one answer. Fits a full batch of the longest rumours. */
export const GOSSIP_BODY_BYTES_MAX = 128 * 1024
export const GOSSIP_ANSWER_BYTES_MAX = 512 * 1024

/** Rumours per request, and per answer to a pull; the next pull gets the rest. */
export const GOSSIP_BATCH_MAX = 64
export const GOSSIP_PULLED_MAX = 256

/** Highest TTL: 100,000 nodes need about 28 rounds. */
export const GOSSIP_TTL_MAX = 64

/** Highest version: one per second for 68 years. */
export const GOSSIP_VERSION_MAX = 2 ** 31 - 1

/** Length of a book, in code points. */
export const BOOK_LENGTH_MAX = 300

/** Origins whose books a node stores. The books of live peers are evicted last. */
export const GOSSIP_ORIGINS_MAX = 4_096

/** Rumours that a node remembers to detect duplicates. */
export const GOSSIP_CACHE_MAX = 4_096

/** New rumours accepted per second, of live peers and of other origins. */
export const GOSSIP_PEERS_PER_SECOND_MAX = 1_000
export const GOSSIP_STRANGERS_PER_SECOND_MAX = 200

/** Candidates that have not answered yet, and peers that no longer answer. */
export const GOSSIP_HEARD_MAX = 256
export const GOSSIP_DEAD_MAX = 256

/** Requests in flight, and the longest duration of one. */
export const GOSSIP_REQUESTS_MAX = 32
export const GOSSIP_REQUEST_MS_MAX = 3_000

/** Connections to a node: 16 for each of 64 peers. */
export const GOSSIP_CONNECTIONS_MAX = 1_024
