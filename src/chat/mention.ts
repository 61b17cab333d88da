import type { Message } from './kinds/message.js'

/** Whether a message names one of `names`. Only text that is shown can mention someone. */
export function mentions(message: Message, names: readonly string[]): boolean {
  if (message.kind === 'nick') return false
  const text = message.kind === 'topic' ? message.topic : message.message
  return names.some(name => {
    const escaped = name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    return new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, 'iu').test(text)
  })
}

/** Names in one line that are looked up. */
const ADDRESSED_MAX = 8

/** The names that a typed line addresses: `bob: hello`, `bob, hello` or `@bob`. A name within a sentence addresses nobody. */
export function addressedNames(text: string): readonly string[] {
  const first = /^\s*([^\s:,@]+)[:,]/u.exec(text)?.[1]
  const marked = [...text.matchAll(/(?<![^\s(])@([^\s:,@]+)/gu)].map(([, name = '']) => name.replace(/[.;!?)]+$/u, ''))
  return [...new Set([...(first === undefined ? [] : [first]), ...marked])]
    .filter(name => name !== '')
    .slice(0, ADDRESSED_MAX)
}
