import { parseArgs } from 'node:util'
import { type ChatFlags, TIMEOUT_S } from './chat-start.js'
import { resemblesCommand } from './command-words.js'

/** Longest user name that is compared with the commands here. */
const WORD_LENGTH_MAX = 40
/** Numbers that every option accepts. */
const NUMBER = /^\d{1,6}$/

const OPTIONS = {
  listen: { type: 'string' },
  room: { type: 'string' },
  data: { type: 'string' },
  message: { type: 'string' },
  to: { type: 'string' },
  // The last one counts, but each is checked.
  last: { type: 'string', multiple: true },
  timeout: { type: 'string', multiple: true },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
  plain: { type: 'boolean' },
  time: { type: 'boolean' },
  presence: { type: 'boolean' },
  seed: { type: 'boolean' },
  encrypted: { type: 'boolean' },
  'no-bell': { type: 'boolean' },
  'no-discovery': { type: 'boolean' },
} as const

export interface PlainChat {
  readonly me: string
  readonly peers: string[]
  readonly flags: ChatFlags
}

/**
 * Parses a command line that starts the chat with common options only; undefined for any other, which commander parses. The node
 * starts 70 ms earlier if commander and the other commands are not loaded.
 */
export function plainChatOf(args: readonly string[]): PlainChat | undefined {
  const parsed = parsedOf(args)
  const [me, ...peers] = parsed?.positionals ?? []
  if (parsed === undefined || me === undefined || me === '' || me.length > WORD_LENGTH_MAX || resemblesCommand(me))
    return undefined
  const { 'no-bell': noBell, 'no-discovery': noDiscovery, last = [], timeout = [], ...rest } = parsed.values
  if (![...last, ...timeout].every(text => NUMBER.test(text))) return undefined
  const flags = {
    ...rest,
    ...(last.length > 0 && { last: Number(last.at(-1)) }),
    timeout: Number(timeout.at(-1) ?? TIMEOUT_S),
    bell: noBell !== true,
    discovery: noDiscovery !== true,
  }
  return { me, peers, flags }
}

function parsedOf(args: readonly string[]) {
  // The two parsers treat these differently.
  if (args.some(arg => arg === '-' || arg === '--')) return undefined
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch {
    return undefined // an unknown option, --help, or a value that is missing or begins with a dash
  }
}
