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
