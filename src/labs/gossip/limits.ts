// Every bound of a node of the favourite books, with its reason. Units stand last in the names.

/** Body of one POST to a node of the favourite books, and of one answer: a full batch of the longest, or what it holds. */
export const GOSSIP_BODY_BYTES_MAX = 128 * 1024
export const GOSSIP_ANSWER_BYTES_MAX = 512 * 1024

/** Rumours of one POST, and of one answer to a pull; the next pull brings the rest. */
export const GOSSIP_BATCH_MAX = 64
export const GOSSIP_PULLED_MAX = 256

/** How often a rumour may be passed on: 100,000 nodes need about 28 rounds. More would only go round. */
export const GOSSIP_TTL_MAX = 64

/** Highest version of a rumour: one a second for 68 years. */
export const GOSSIP_VERSION_MAX = 2 ** 31 - 1

/** A favourite book, in code points. The longest titles of the 18th century are cut by their publishers too. */
export const BOOK_LENGTH_MAX = 300

/** Origins whose books one node keeps. Who answers as a node is kept before who was only heard of. */
export const GOSSIP_ORIGINS_MAX = 4_096

/** Rumours that one node remembers in order not to take them in twice. */
export const GOSSIP_CACHE_MAX = 4_096

/** New rumours that one node takes in within a second: of origins that answer as nodes, and of all others. */
export const GOSSIP_PEERS_PER_SECOND_MAX = 1_000
export const GOSSIP_STRANGERS_PER_SECOND_MAX = 200

/** Ports that were heard of and have not yet answered as a node, and ports that do not answer any more. */
export const GOSSIP_HEARD_MAX = 256
export const GOSSIP_DEAD_MAX = 256

/** Requests of one node that are under way, and how long one may take. */
export const GOSSIP_REQUESTS_MAX = 32
export const GOSSIP_REQUEST_MS_MAX = 3_000

/** Connections to one node: 16 for each of 64 peers. */
export const GOSSIP_CONNECTIONS_MAX = 1_024
