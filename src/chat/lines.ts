import { sanitise, sanitisedJson } from '../base/sanitise.js'
import type { Message } from './message.js'

/** A message as one line for people: `alice> hello`. `label` says who. */
export const lineOf = (label: string, { message }: Message): string => `${label}> ${sanitise(message)}`

/** A message as one JSON object for programs. */
export function jsonLineOf({ author, seq, username, message, at, timeMs, isVerified }: Message): string {
  const time = new Date(timeMs).toISOString()
  return sanitisedJson({ author, seq, username, message, at, time, verified: isVerified })
}
