// Limits of strangers in one room. docs/protocol/wire.md gives them to other programs.

/** Most bytes that strangers may store, however much disk the user allows. */
export const STRANGER_BYTES_MAX = 256 * 1024 * 1024

/** Logs of strangers. */
export const STRANGER_LOGS_MAX = 2_000

/** Logs of other strangers that are relayed per stranger's connection, once half of STRANGER_LOGS_MAX is in use. */
export const PASSED_ON_MAX = 32
