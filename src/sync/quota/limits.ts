// Limits of strangers in one room. docs/protocol/wire.md gives them to other programs.

/** What strangers may store, whatever else the disk may be used for. */
export const STRANGER_BYTES_MAX = 256 * 1024 * 1024

/** Logs of strangers. */
export const STRANGER_LOGS_MAX = 2_000

/** Logs of strangers that are passed on of one stranger's connection, once half of the logs are in use. */
export const PASSED_ON_MAX = 32
