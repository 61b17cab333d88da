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
 * Rooms that a node has open at once: about 4 MiB and four open files each. Of further ones that terminals have open, those are closed
 * that nobody has looked at for the longest time.
 */
export const OPEN_ROOMS_MAX = 32

/** Bytes of an answer that are sent before the face has read them: a few frames, so that the next ones are sent while one is read. */
export const AHEAD_BYTES_MAX = 256 * 1024
/** A face acknowledges what it has read whenever it is this many bytes; a single typed line is not acknowledged. */
export const READ_BYTES_MIN = AHEAD_BYTES_MAX / 4
