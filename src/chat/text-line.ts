import { sanitise } from '../base/safe-text.js'
import type { Message } from './kinds/message.js'
import { sizeText } from './size-text.js'
import { skeletonOf } from './skeleton.js'

/** The program's wording of changes, such as those of a name or topic. */
const IS_CALLED = 'is now called'
const SET_TOPIC = 'set the topic'
const REMOVED_TOPIC = 'removed the topic'
const HAS_NEW_NAME = 'has a new name'
const ANSWERS = 'answers'
const REACTS = 'reacts'
const TAKES_BACK = 'takes back'
const EDITS = 'edits'
const DELETES = 'deletes'
const SENDS = 'sends'
const CHANGES = [IS_CALLED, SET_TOPIC, REMOVED_TOPIC, HAS_NEW_NAME, ANSWERS, REACTS, TAKES_BACK, EDITS, DELETES, SENDS]
/** With these an action would read like a change, or like the row of a gap, `12 entries …`. */
const PROGRAM_WORDS = [...CHANGES, 'entry', 'entries'].map(skeletonOf)

/** Number of rows of a stranger's message that a terminal shows before it folds the rest. */
export const FOLDED_ROWS_MAX = 8

/** Length of the beginning of an action that is compared with the program's wording. */
const COMPARED_LENGTH = 1_000

/** The mark after a line that its author has edited. */
export const EDITED = '(edited)'

/** The reference to a line that is unknown here. */
export const UNKNOWN_LINE = 'a line that is not here'

/** The context that a message is shown in. */
export interface LineContext {
  /** The label of the author before a change of name. */
  readonly before?: string | undefined
  /** The line that it refers to: `alice a12 “lunch at noon?”`. */
  readonly about?: string | undefined
  /** The text of the message after the edits that are known. */
  readonly text?: string | undefined
  readonly isEdited?: boolean | undefined
}

/** The text that follows `* ` in the row of an action or a change. Faces colour the names only. */
export interface Action {
  readonly who: string
  readonly text: string
  /** In a change of name whose former name is known, the new name; otherwise empty. */
  readonly renamed: string
}

/**
 * An action, or a change of name or topic in the program's wording; undefined for text. `label` is the author as shown.
 * An action that imitates such a change is shown with a colon:
 * `* alice: is now called bob`. The text of an action may have several lines.
 */
export function actionOf(
  label: string,
  message: Message,
  { before, about = UNKNOWN_LINE, text: current = message.message }: LineContext,
): Action | undefined {
  const action = (text: string): Action => ({ who: label, text, renamed: '' })
  switch (message.kind) {
    case 'text':
    case 'gap':
      return undefined
    case 'nick':
      return before === undefined ? action(` ${HAS_NEW_NAME}`) : { who: before, text: ` ${IS_CALLED} `, renamed: label }
    case 'topic':
      return action(message.topic === '' ? ` ${REMOVED_TOPIC}` : ` ${SET_TOPIC}: ${sanitise(message.topic)}`)
    case 'reply':
      return action(` ${ANSWERS} ${about}: ${current}`)
    case 'reaction':
      return action(
        ` ${message.isRemoved ? TAKES_BACK : REACTS} ${message.emoji} ${message.isRemoved ? 'from' : 'to'} ${about}`,
      )
    case 'edit':
      return action(` ${EDITS} ${about}: ${message.text}`)
    case 'delete':
      return action(` ${DELETES} ${about}`)
    case 'file':
      return action(` ${SENDS} ${sanitise(message.name)} (${sizeText(message.size)})`)
    case 'action': {
      const beginning = skeletonOf(current.slice(0, COMPARED_LENGTH))
      const isDeceptive = PROGRAM_WORDS.some(words => beginning.startsWith(words))
      return action(`${isDeceptive ? ':' : ''} ${current}`)
    }
    default:
      return message satisfies never
  }
}

/** A message as one line for people: `alice> hello`, `* alice waves`, `* alice is now called Al`. */
export function lineOf(label: string, message: Message, context: LineContext): string {
  const edited = context.isEdited ? ` ${EDITED}` : ''
  const action = actionOf(label, message, context)
  if (action === undefined) return `${label}> ${sanitise(context.text ?? message.message)}${edited}`
  return `* ${action.who}${sanitise(action.text)}${action.renamed}${edited}`
}
