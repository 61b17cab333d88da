import { sanitisedJson } from '../base/safe-text.js'
import type { Message } from './kinds/message.js'

/** A message as one JSON object for programs. `isLive` is false for history. */
export function jsonLineOf(
  { author, run, seq, username, message, kind, at, timeMs, isAhead, isVerified }: Message,
  isLive = false,
): string {
  const time = new Date(timeMs).toISOString()
  const type = kind === 'text' ? {} : { type: kind }
  return sanitisedJson({
    author,
    ...(run !== 0 && { run }),
    seq,
    username,
    message,
    ...type,
    at,
    time,
    verified: isVerified,
    live: isLive,
    ...(isAhead && { ahead: true }),
  })
}
