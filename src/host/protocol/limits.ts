import { FRAME_BYTES_MAX } from '../../base/wire/frames.js'
import { ENTRY_BYTES_MAX } from '../../log/limits.js'

/**
 * Requests of one client that may be unanswered or unacknowledged: enough that the node always has a commit's worth of short lines
 * while answers are under way. Bounds the rows of a client in the database.
 */
export const UNACKNOWLEDGED_MAX = 2_048
/** Bytes of unanswered lines, so that a face with long lines costs the node no more memory than one with short lines. */
export const UNANSWERED_BYTES_MAX = 4 * FRAME_BYTES_MAX
/** Lines in one frame, and their bytes. Few, so that the next frame is sent while one is stored. */
export const LINES_MAX = 512
export const LINES_BYTES_MAX = 2 * ENTRY_BYTES_MAX

/**
 * Rooms that a node has open at once: about 4 MiB and four open files each. If terminals have more rooms open, the node closes the
 * least recently used ones.
 */
export const OPEN_ROOMS_MAX = 32

/** Flow-control window of an answer: a few frames, so that the next ones are sent while the face reads one. */
export const AHEAD_BYTES_MAX = 256 * 1024
/** A face acknowledges after reading this many more bytes, so a single typed line causes no acknowledgement. */
export const READ_BYTES_MIN = AHEAD_BYTES_MAX / 4
