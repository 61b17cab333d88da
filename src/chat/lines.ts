import { sanitise, sanitisedJson } from '../base/sanitise.js'
import type { Message } from './message.js'

/** A message as one line for people: `alice> hello`. `label` says who. */
export const lineOf = (label: string, { message }: Message): string => `${label}> ${sanitise(message)}`

/** A message as one JSON object for programs. */
export function jsonLineOf({ author, seq, username, message, kind, at, timeMs, isVerified }: Message): string {
  const time = new Date(timeMs).toISOString()
  const type = kind === 'line' ? {} : { type: kind }
  return sanitisedJson({ author, seq, username, message, ...type, at, time, verified: isVerified })
}
