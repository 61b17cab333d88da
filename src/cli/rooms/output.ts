import { sanitise, sanitisedJson } from '../../base/safe-text.js'
import { shortKey } from '../../chat/display-names.js'
import type { Fields } from '../../host/protocol/codec.js'
import { authorOf } from '../../log/format/author.js'

export interface RoomFlags {
  readonly data?: string
  readonly json?: boolean
}

export const printJson = (item: Fields): void => void process.stdout.write(`${sanitisedJson(item)}\n`)

export const printLine = (line: string): void => void process.stdout.write(`${sanitise(line)}\n`)

/** A person in an answer of the node: their name, else the first digits of their key. */
export function personText(name: unknown, key: unknown): string {
  const author = typeof key === 'string' ? authorOf(key) : undefined
  if (typeof name === 'string' && name !== '') return name
  return author === undefined ? '?' : shortKey(author)
}
