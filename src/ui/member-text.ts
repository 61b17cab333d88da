import { sanitise } from '../base/safe-text.js'
import { shortKey } from '../chat/display-names.js'
import type { Fields } from '../host/protocol/codec.js'
import { authorOf } from '../log/format/author.js'

/** A person in an answer of the node: their name, else the first digits of their key. */
export function personText(name: unknown, key: unknown): string {
  const author = typeof key === 'string' ? authorOf(key) : undefined
  if (typeof name === 'string' && name !== '') return sanitise(name)
  return author === undefined ? '?' : shortKey(author)
}

/** A row of the list of members: somebody who was in the room. */
export const formerText = ({ removed, name, reason, isRescue }: Fields): string => {
  const how = reason === 'left' ? 'left' : `was removed${isRescue === true ? ' with the rescue words' : ''}`
  return `${personText(name, removed)}  ${how}  ${String(removed).slice(0, 8)}`
}

/**
 * The result of an admission. Without a role it only lifted a refusal: the user is asked again when the person asks
 * next.
 */
export const admittedText = ({ key, name, role }: Fields, where: string): string =>
  role === null
    ? `${personText(name, key)} is no longer refused: you are asked again when they try next`
    : `${personText(name, key)} is ${String(role)} ${where}`

/** Which earlier lines somebody reads, by the setting of the room; an older node has none, and its rooms give all. */
export function readText(history: unknown): string {
  if (typeof history !== 'string' || history === 'all') return 'all earlier lines'
  if (history === 'none') return 'nothing said before'
  return history === '1' ? 'the last line' : `the last ${history} lines`
}
