/** A completed text, and the position of the caret in it. */
export interface Completed {
  readonly text: string
  readonly caret: number
}

/** The longest common prefix, ignoring case; in the spelling of the first word. */
function commonBeginning(words: readonly string[]): string {
  const [first = '', ...others] = words
  let length = first.length
  for (const other of others)
    while (length > 0 && other.slice(0, length).toLowerCase() !== first.slice(0, length).toLowerCase()) length--
  return first.slice(0, length)
}

/**
 * Completes the word before the caret: a command (`/na` → `/name`) at the beginning, otherwise a name. A name alone at the beginning of the
 * text is an address: `bob: `. Undefined if there is nothing to add.
 */
export function completionOf(
  text: string,
  caret: number,
  names: readonly string[],
  commands: readonly string[],
): Completed | undefined {
  const before = text.slice(0, caret)
  const word = /\S+$/.exec(before)?.[0] ?? ''
  if (word === '') return undefined
  const isFirst = word.length === before.length
  const isCommand = isFirst && word.startsWith('/')
  const [, sign = '', typed = ''] = isCommand ? ['', '', word] : (/^(@?)(.*)$/s.exec(word) ?? [])
  const found = (isCommand ? commands : names).filter(name => name.toLowerCase().startsWith(typed.toLowerCase()))
  if (found.length === 0 || typed === '') return undefined
  const common = found.length === 1 ? (found[0] ?? '') : commonBeginning(found)
  if (found.length > 1 && common.length <= typed.length) return undefined
  const end = found.length > 1 ? '' : isCommand || sign !== '' || !isFirst ? ' ' : ': '
  const completed = `${before.slice(0, before.length - word.length)}${sign}${common}${end}`
  return { text: completed + text.slice(caret), caret: completed.length }
}
