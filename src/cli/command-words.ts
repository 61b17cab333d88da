import { ChatError } from '../base/errors.js'
import { isTypo } from '../ui/near-miss.js'

/** The commands. A name that looks like one of them is checked before it becomes a user name. */
export const COMMANDS: readonly string[] = [
  'chat',
  'log',
  'search',
  'fetch',
  'rooms',
  'devices',
  'risk',
  'verify',
  'proof',
  'export',
  'import',
  'repair',
  'renew',
  'backup',
  'restore',
  'room',
  'invite',
  'invites',
  'uninvite',
  'join',
  'members',
  'remove',
  'admit',
  'leave',
  'node',
  'status',
  'people',
  'stop',
  'doctor',
  'web',
  'gossip',
  'flood',
  'simulate',
  'version',
  'help',
]

/** Planned commands. They are reserved, so that no one uses one as a name by accident. */
const PLANNED = ['completion'] as const

/** Longest mistyped command. */
const WORD_LENGTH_MAX = 20

/**
 * The first argument that is neither an option nor the value of an option. Undefined after `--`, which only names
 * follow.
 */
export function firstWordOf(args: readonly string[], takesValue: (flag: string) => boolean): string | undefined {
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? ''
    if (arg === '--') return undefined
    if (!arg.startsWith('-')) return arg
    if (takesValue(arg)) index++
  }
  return undefined
}

/**
 * Rejects a first word that is a planned command, or probably a mistyped one, before it becomes a user name. `isUser` returns
 * whether a user of that name has chatted here before. Throws BAD_USAGE.
 */
export function checkFirstWord(word: string, commands: readonly string[], isUser: (name: string) => boolean): void {
  if (commands.includes(word)) return
  const hint = `To chat under the name ${word}: persisted-chat chat ${word}`
  const lower = word.toLowerCase()
  if (PLANNED.some(planned => planned === lower)) {
    throw new ChatError('BAD_USAGE', `${word} is not a command of this version`, { hint })
  }
  if (word.length > WORD_LENGTH_MAX || isUser(word)) return
  const known = [...commands, ...PLANNED.filter(planned => !commands.includes(planned))]
  const meant = known.find(command => command === lower) ?? known.find(command => isTypo(lower, command))
  if (meant === undefined) return
  throw new ChatError('BAD_USAGE', `there is no command ${word}; did you mean ${meant}?`, { hint })
}

/** Whether a first word has to be checked before it becomes a user name: it is, or resembles, a command or a planned one. */
export function resemblesCommand(word: string): boolean {
  const lower = word.toLowerCase()
  return [...COMMANDS, ...PLANNED].some(known => known === lower || isTypo(lower, known))
}
