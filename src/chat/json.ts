import { sanitise, sanitisedJson } from '../base/safe-text.js'
import type { Message } from './kinds/message.js'
import { skeletonOf } from './skeleton.js'

/** Messages that are no sayings, in the program's own words. */
const IS_CALLED = 'is now called'
const SET_TOPIC = 'set the topic'
const REMOVED_TOPIC = 'removed the topic'
const HAS_NEW_NAME = 'has a new name'
const PROGRAM_WORDS = [IS_CALLED, SET_TOPIC, REMOVED_TOPIC, HAS_NEW_NAME].map(skeletonOf)

/** What follows `* ` in the row of an action or a notice, in three parts: only the names are painted. */
export interface Action {
  readonly who: string
  readonly text: string
  /** The new name, of a change of name whose former name is known. */
  readonly renamed: string
}

/**
 * An action, or a change of name or topic in the program's own words; undefined for what is said. `label` says who it is,
 * `before` how they were shown before they took another name. An action that begins like a change of name or topic has a
 * colon, so that nobody can type one: `* alice: is now called bob`. The text of an action may have several lines.
 */
export function actionOf(
  label: string,
  { kind, message, topic }: Message,
  before: string | undefined,
): Action | undefined {
  const deed = (text: string): Action => ({ who: label, text, renamed: '' })
  if (kind === 'nick')
    return before === undefined ? deed(` ${HAS_NEW_NAME}`) : { who: before, text: ` ${IS_CALLED} `, renamed: label }
  if (kind === 'topic' && topic !== undefined)
    return deed(topic === '' ? ` ${REMOVED_TOPIC}` : ` ${SET_TOPIC}: ${sanitise(topic)}`)
  if (kind !== 'action') return undefined
  const looksLike = skeletonOf(message.slice(0, 1_000))
  const isSetApart = PROGRAM_WORDS.some(words => looksLike.startsWith(words))
  return deed(`${isSetApart ? ':' : ''} ${message}`)
}

/** A message as one line for people: `alice> hello`, `* alice waves`, `* alice is now called Al`. */
export function lineOf(label: string, message: Message, before: string | undefined): string {
  const deed = actionOf(label, message, before)
  if (deed === undefined) return `${label}> ${sanitise(message.message)}`
  return `* ${deed.who}${sanitise(deed.text)}${deed.renamed}`
}

/** The name that somebody had before a change of name, as the message of that says. */
export const nameBefore = ({ kind, message, username }: Message): string | undefined =>
  kind === 'nick' && message.endsWith(` is called ${username} from now on`)
    ? message.slice(0, -` is called ${username} from now on`.length)
    : undefined

/** A message as one JSON object for programs. `live` is whether it was said just now, and is not history. */
export function jsonLineOf(
  { author, seq, username, message, kind, at, timeMs, isVerified }: Message,
  live = false,
): string {
  const time = new Date(timeMs).toISOString()
  const type = kind === 'line' ? {} : { type: kind }
  return sanitisedJson({ author, seq, username, message, ...type, at, time, verified: isVerified, live })
}
