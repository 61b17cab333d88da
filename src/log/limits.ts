// Limits of the log format. A peer that used others would reject valid entries, or store entries that everyone else rejects.

/** Largest entry. A long message fits, and a thousand pending entries fit into memory. */
export const ENTRY_BYTES_MAX = 16 * 1024

/** Largest segment: consecutive entries under one signature. Two segments fit into a frame. */
export const SEGMENT_BYTES_MAX = 128 * 1024

/** Highest seq: the largest value of scuttleup's `uint32`. */
export const SEQ_MAX = 0xffff_ffff

/** Highest run. */
export const RUN_MAX = 0xffff_ffff

/** Largest number of logs in one database. Each log costs a few hundred bytes of memory. Strangers share a smaller number. */
export const AUTHORS_MAX = 10_000

/** Largest number of stored branches of forked logs. */
export const BRANCHES_MAX = 1_000

/** Largest number of logs of one key: with more, one person could keep others out of a room. */
export const RUNS_MAX = 256

/** Longest id of an unsigned author, in characters. */
export const UNSIGNED_ID_LENGTH_MAX = 64

/** The id of a signed log in a run other than 0: key, `.`, run. */
export const LOG_ID_LENGTH_MAX = 73

/** Size of `,"salt":"…","sig":"…"`, which entries of signed authors carry between scuttleup peers. */
export const SIGNATURE_MEMBERS_BYTES = 116
