import { FRAME_BYTES_MAX } from '../../base/wire/frames.js'
import { ENTRY_BYTES_MAX } from '../../log/limits.js'

/**
 * Largest number of requests of one client that are unanswered or unacknowledged: enough that the node can fill a
 * commit with short lines while its answers are on their way. Bounds the rows of a client in the database.
 */
export const UNACKNOWLEDGED_MAX = 2_048
/**
 * Largest number of bytes of unanswered lines, so that a face with long lines costs the node no more memory than one
 * with short lines.
 */
export const UNANSWERED_BYTES_MAX = 4 * FRAME_BYTES_MAX
/**
 * Largest number of lines in one frame, and of their bytes. Small, so that the next frame is sent while the node stores
 * one.
 */
export const LINES_MAX = 512
export const LINES_BYTES_MAX = 2 * ENTRY_BYTES_MAX

/**
 * Largest number of rooms that a node has open: each takes about 4 MiB and four open files. If terminals have more
 * rooms open, the node closes the least recently used ones.
 */
export const OPEN_ROOMS_MAX = 32

/** Flow-control window of an answer: a few frames, so that the next ones are sent while the face reads one. */
export const AHEAD_BYTES_MAX = 256 * 1024
/** A face acknowledges after reading this many more bytes. A single typed line therefore causes no acknowledgement. */
export const READ_BYTES_MIN = AHEAD_BYTES_MAX / 4
