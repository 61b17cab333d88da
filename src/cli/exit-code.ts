import { ChatError } from '../base/errors.js'
import { complain, OutputClosed } from '../ui/lines/output.js'

export const DONE = 0
export const FAILED = 1
export const WRONG_USAGE = 2

/** Error codes that mean a wrong command line. */
const USAGE_CODES = new Set(['BAD_USAGE', 'BAD_NAME', 'BAD_ADDRESS'])

/** Prints why a command failed. Returns its exit code. */
export function exitCodeOf(error: unknown): number {
  // watchOutput has reported why.
  if (error instanceof OutputClosed) return error.isReaderGone ? DONE : FAILED
  complain(error)
  return error instanceof ChatError && USAGE_CODES.has(error.code) ? WRONG_USAGE : FAILED
}
