// Limits of strangers in one room, specified for other implementations in docs/protocol/wire.md.

/** Largest number of bytes that strangers may store, even if the user allows more disk space. */
export const STRANGER_BYTES_MAX = 256 * 1024 * 1024

/** Largest number of logs of strangers. */
export const STRANGER_LOGS_MAX = 2_000

/**
 * Largest number of logs that are relayed although they did not come from their authors: half of the strangers' logs that a peer stores.
 */
export const PASSED_ON_LOGS_MAX = 1_000

/** Number of these logs that is guaranteed to each introducer: about STRANGER_LOGS_MAX divided by 64 connections. */
export const PASSED_ON_MAX = 32
