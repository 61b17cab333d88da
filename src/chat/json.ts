import { sanitisedJson } from '../base/safe-text.js'
import { type Message, targetOf } from './kinds/message.js'
import { type Target, targetJson } from './kinds/target.js'

interface WithdrawnMessages {
  readonly author: string
  readonly run: number
  readonly seq: number
  readonly count: number
}

/** Printed messages that no longer count, as one JSON object for programs. */
export function withdrawnJsonOf({ author, run, seq, count }: WithdrawnMessages): string {
  return sanitisedJson({ event: 'withdrawn', author, ...(run !== 0 && { run }), seq, count })
}

/** The path of the saved file of a line, as one JSON object for programs. */
export const savedJsonOf = ({ author, run, seq }: Target, path: string): string =>
  sanitisedJson({ event: 'saved', author, ...(run !== 0 && { run }), seq, path })

/** A message, or places without content, as one JSON object for programs. `isLive` is false for history. */
export const jsonLineOf = (shown: Message, isLive = false): string => sanitisedJson(fieldsOf(shown, isLive))

/** A live message with the room that it is in, as one JSON object. */
export const messageJsonOf = (message: Message, room: string): string =>
  sanitisedJson({ room, ...fieldsOf(message, true) })

/**
 * A line that a search found, with its room, as one JSON object. `isEdited`: the line has the text of its last edit.
 */
export const foundJsonOf = (message: Message, room: string, isEdited: boolean): string =>
  sanitisedJson({ room, ...fieldsOf(message, false), ...(isEdited && { edited: true }) })

function fieldsOf(shown: Message, isLive: boolean): Readonly<Record<string, unknown>> {
  const { author, run, seq, label, username, message, kind, at, timeMs, isAhead, isVerified } = shown
  const log = { author, ...(run !== 0 && { run }), seq, ...(label !== undefined && { label }) }
  if (shown.kind === 'gap') return { event: 'gap', ...log, count: shown.count, state: shown.state, at }
  const time = new Date(timeMs).toISOString()
  const to = targetOf(shown)
  return {
    ...log,
    username,
    message,
    ...(kind !== 'text' && { type: kind }),
    ...(to !== undefined && { to: targetJson(to) }),
    ...membersOf(shown),
    at,
    time,
    verified: isVerified,
    live: isLive,
    ...(isAhead && { ahead: true }),
  }
}

/** Members of a message besides its text and target, by kind. */
function membersOf(message: Message): object {
  switch (message.kind) {
    case 'gap':
    case 'delete':
      return { count: message.count }
    case 'reaction':
      return { emoji: message.emoji, removed: message.isRemoved }
    case 'file':
      return { name: message.name, size: message.size, root: message.root }
    case 'text':
    case 'action':
    case 'nick':
    case 'topic':
    case 'reply':
    case 'edit':
      return {}
    default:
      return message satisfies never
  }
}
