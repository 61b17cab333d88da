import type { AuthorId } from '../log/format/author.js'
import { isLine } from './kinds/kinds.js'
import type { Message } from './kinds/message.js'

/** Whether a message answers a line of the user, or names them. */
export const concerns = (message: Message, user: AuthorId, names: readonly string[]): boolean =>
  (message.kind === 'reply' && message.to.author === user) || mentions(message, names)

/** Whether a message names one of `names`. Only what somebody says can mention someone: an edit does not ring again. */
function mentions(message: Message, names: readonly string[]): boolean {
  if (!isLine(message) && message.kind !== 'topic') return false
  const text = message.kind === 'topic' ? message.topic : message.message
  return names.some(name => {
    const escaped = name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    return new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, 'iu').test(text)
  })
}

/** Largest number of names in one line that are looked up. */
const ADDRESSED_MAX = 8

/** The names that a typed line addresses: `bob: hello`, `bob, hello` or `@bob`. A name within a sentence addresses nobody. */
export function addressedNames(text: string): readonly string[] {
  const first = /^\s*([^\s:,@]+)[:,]/u.exec(text)?.[1]
  const marked = [...text.matchAll(/(?<![^\s(])@([^\s:,@]+)/gu)].map(([, name = '']) => name.replace(/[.;!?)]+$/u, ''))
  return [...new Set([...(first === undefined ? [] : [first]), ...marked])]
    .filter(name => name !== '')
    .slice(0, ADDRESSED_MAX)
}
