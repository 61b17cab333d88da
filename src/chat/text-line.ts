import { sanitise } from '../base/safe-text.js'
import type { Message } from './kinds/message.js'
import { skeletonOf } from './skeleton.js'

/** The program's wording of a change of name or topic, and of places without content, which begins with their number. */
const IS_CALLED = 'is now called'
const SET_TOPIC = 'set the topic'
const REMOVED_TOPIC = 'removed the topic'
const HAS_NEW_NAME = 'has a new name'
const PROGRAM_WORDS = [IS_CALLED, SET_TOPIC, REMOVED_TOPIC, HAS_NEW_NAME, 'entry', 'entries'].map(skeletonOf)

/** Rows of a message of a stranger that are shown on a terminal at first. */
export const FOLDED_ROWS_MAX = 8

/** How much of an action is compared with the program's wording. */
const COMPARED_LENGTH = 1_000

/** What follows `* ` in the row of an action or a change. Faces colour the names only. */
export interface Action {
  readonly who: string
  readonly text: string
  /** In a change of name whose former name is known, the new name; otherwise empty. */
  readonly renamed: string
}

/**
 * An action, or a change of name or topic in the program's wording; undefined for text. `label` is the author as shown,
 * `before` the author as shown before a change of name. An action that imitates such a change is shown with a colon:
 * `* alice: is now called bob`. The text of an action may have several lines.
 */
export function actionOf(label: string, message: Message, before: string | undefined): Action | undefined {
  const action = (text: string): Action => ({ who: label, text, renamed: '' })
  switch (message.kind) {
    case 'text':
    case 'gap':
      return undefined
    case 'nick':
      return before === undefined ? action(` ${HAS_NEW_NAME}`) : { who: before, text: ` ${IS_CALLED} `, renamed: label }
    case 'topic':
      return action(message.topic === '' ? ` ${REMOVED_TOPIC}` : ` ${SET_TOPIC}: ${sanitise(message.topic)}`)
    case 'action': {
      const beginning = skeletonOf(message.message.slice(0, COMPARED_LENGTH))
      const isDeceptive = PROGRAM_WORDS.some(words => beginning.startsWith(words))
      return action(`${isDeceptive ? ':' : ''} ${message.message}`)
    }
  }
}

/** A message as one line for people: `alice> hello`, `* alice waves`, `* alice is now called Al`. */
export function lineOf(label: string, message: Message, before: string | undefined): string {
  const action = actionOf(label, message, before)
  if (action === undefined) return `${label}> ${sanitise(message.message)}`
  return `* ${action.who}${sanitise(action.text)}${action.renamed}`
}
