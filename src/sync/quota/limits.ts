// Limits of strangers in one room, specified for other implementations in docs/protocol/wire.md.

/** Most bytes that strangers may store, however much disk the user allows. */
export const STRANGER_BYTES_MAX = 256 * 1024 * 1024

/** Logs of strangers. */
export const STRANGER_LOGS_MAX = 2_000

/** Logs that are relayed although they did not come from their authors: half of the logs of strangers that a peer stores. */
export const PASSED_ON_LOGS_MAX = 1_000

/** Number of these that is guaranteed to each introducer: about STRANGER_LOGS_MAX divided by 64 connections. */
export const PASSED_ON_MAX = 32
