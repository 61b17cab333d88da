import { COMMANDS, SHOWN_COMMANDS } from '../../commands/commands.js'
import type { Command } from '../../commands/context.js'

export interface Completion {
  /** The text before the cursor, completed as far as all choices agree. */
  readonly text: string
  /** The possible completions, if there are several. */
  readonly choices: readonly string[]
}

/** Completes the command or name at the end of `before`; undefined if nothing matches. */
export function complete(before: string, names: readonly string[]): Completion | undefined {
  if (/^\/\S*$/.test(before)) {
    const commands = commandsFrom(before.slice(1).toLowerCase()).map(name => `/${name}`)
    return completed('', before, commands, ' ')
  }
  const [, command, word = ''] = /^\/(\S+)\s+(\S*)$/.exec(before) ?? []
  if (command !== undefined) {
    const known: Command | undefined = COMMANDS.find(({ name }) => name === command.toLowerCase())
    const start = before.slice(0, before.length - word.length)
    if (known?.completes === 'command') return completed(start, word, commandsFrom(word), '')
    if (known?.completes === 'name') return completed(start, word, namesFrom(word, names), ' ')
  }
  const last = /(\S*)$/.exec(before)?.[1] ?? ''
  if (last === '') return undefined
  const start = before.slice(0, before.length - last.length)
  const at = last.startsWith('@') ? '@' : ''
  const found = namesFrom(last.slice(at.length), names).map(name => at + name)
  return completed(start, last, found, start === '' && at === '' ? ': ' : ' ')
}

const commandsFrom = (beginning: string): string[] =>
  SHOWN_COMMANDS.map(({ name }) => name).filter(name => name.startsWith(beginning))

const namesFrom = (word: string, names: readonly string[]): string[] =>
  names.filter(name => name.toLowerCase().startsWith(word.toLowerCase())).sort()

function completed(start: string, word: string, found: readonly string[], end: string): Completion | undefined {
  const [first] = found
  if (first === undefined) return undefined
  if (found.length === 1) return { text: start + first + end, choices: [] }
  let common = first
  for (const name of found)
    while (!name.toLowerCase().startsWith(common.toLowerCase())) common = [...common].slice(0, -1).join('')
  return { text: start + (common.length > word.length ? common : word), choices: found }
}
