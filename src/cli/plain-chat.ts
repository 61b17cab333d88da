import { parseArgs } from 'node:util'
import { type ChatFlags, flagOf, namesOfOptions, type OptionName, optionOf } from './chat-options.js'
import { resemblesCommand } from './command-words.js'

/** Longest user name that is compared with the commands here. */
const WORD_LENGTH_MAX = 40
/** Numbers that every option accepts. */
const NUMBER = /^\d{1,6}$/

/**
 * Options that take any text, a number, or no argument. If a number is given several times, each one is checked, and
 * the last one is used.
 */
const PLAIN = namesOfOptions.filter(name => [undefined, 'count', 'seconds'].includes(optionOf(name).value as string))
const isNumber = (name: OptionName): boolean => optionOf(name).value !== undefined

const OPTIONS = Object.fromEntries(
  PLAIN.map(name => {
    const type = optionOf(name).argument === undefined ? ('boolean' as const) : ('string' as const)
    return [flagOf(name).slice(2), { type, multiple: isNumber(name) }]
  }),
)

export interface PlainChat {
  readonly me: string
  readonly peers: string[]
  readonly flags: ChatFlags
}

/**
 * Parses a command line that starts the chat with common options only. Returns undefined for any other command line,
 * which commander parses. The node starts 70 ms earlier if commander and the other commands are not loaded.
 */
export function plainChatOf(args: readonly string[]): PlainChat | undefined {
  const parsed = parsedOf(args)
  const [me, ...peers] = parsed?.positionals ?? []
  if (parsed === undefined || me === undefined || me === '' || me.length > WORD_LENGTH_MAX || resemblesCommand(me))
    return undefined
  const flags: Record<string, unknown> = {}
  for (const name of PLAIN) {
    const given = parsed.values[flagOf(name).slice(2)]
    const absent = optionOf(name).default
    if (Array.isArray(given)) {
      if (!given.every(text => NUMBER.test(String(text)))) return undefined
      flags[name] = Number(given.at(-1))
    } else if (given !== undefined) flags[name] = absent === true ? false : given
    else if (absent !== undefined) flags[name] = absent
  }
  return { me, peers, flags: flags as unknown as ChatFlags }
}

function parsedOf(args: readonly string[]) {
  // The two parsers treat these arguments differently.
  if (args.some(arg => arg === '-' || arg === '--')) return undefined
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch {
    return undefined // an unknown option, --help, or a value that is missing or begins with a dash
  }
}
