import { sanitise, sanitisedJson } from '../base/sanitise.js'
import type { Message } from './message.js'

/** A message as one line for people: `alice> hello`. */
export const lineOf = ({ username, message }: Message): string => `${sanitise(username)}> ${sanitise(message)}`

/** A message as one JSON object for programs. */
export function jsonLineOf({ author, seq, username, message, at, timeMs }: Message): string {
  return sanitisedJson({ author, seq, username, message, at, time: new Date(timeMs).toISOString(), verified: false })
}
