import { distanceOf } from '../near-miss.js'
import { ADVICE, ALIASES } from './verbs.js'

/** A command of the screen: `/name argument`. */
export interface Command {
  readonly name: string
  /** How what follows the name is written, for people. */
  readonly argument: string
  readonly help: string
  /** What its argument is completed to. */
  readonly completes?: 'name' | 'command'
  /** Whether it is left out of /help and completion: it does not work yet, and says so. */
  readonly isHidden?: true
}

export const COMMANDS = [
  { name: 'help', argument: '[command]', help: 'what can be done here', completes: 'command' },
  { name: 'who', argument: '', help: 'who is linked, who is heard of through others, who has left' },
  { name: 'whois', argument: 'name', help: "somebody's key, and what is known of it", completes: 'name' },
  { name: 'me', argument: 'text', help: 'say what you do: * alice waves' },
  { name: 'msg', argument: 'name text', help: 'not available yet', isHidden: true },
  { name: 'nick', argument: 'name', help: 'be called otherwise from now on, for everybody' },
  { name: 'topic', argument: '[text]', help: 'what the conversation is about, for everybody; alone: show it; -: none' },
  { name: 'last', argument: '[n]', help: 'print the last n messages again, at most 2,000' },
  { name: 'search', argument: 'text', help: 'the newest messages of the whole history that contain a text' },
  { name: 'since', argument: 'time', help: 'print what was said since 14:00, or 2026-11-21, or 2026-11-21T14:00' },
  { name: 'hide', argument: '[name]', help: 'do not show what somebody says, to you alone', completes: 'name' },
  { name: 'unhide', argument: 'name', help: 'show it again', completes: 'name' },
  { name: 'away', argument: '[text]', help: 'tell that you are away, and why; /back ends it' },
  { name: 'back', argument: '', help: 'tell that you are back; so does your next line' },
  { name: 'peers', argument: '', help: 'who is linked, and who is tried and why that fails' },
  { name: 'link', argument: 'peer', help: 'link with a name or host:port' },
  { name: 'unlink', argument: 'peer', help: 'do not try a peer any more, and close the link with it' },
  { name: 'verify', argument: '', help: 'check every sequence, chain and signature that is stored' },
  { name: 'export', argument: 'file', help: 'write the signed logs to a file' },
  { name: 'quit', argument: '', help: 'leave; Ctrl-C does the same' },
] as const satisfies readonly Command[]

/** The commands that work. */
export const SHOWN_COMMANDS: readonly Command[] = COMMANDS.filter((command: Command) => command.isHidden !== true)

/** Letters of a mistyped command that are compared. */
const NAME_LENGTH_MAX = 20

export type CommandName = (typeof COMMANDS)[number]['name']

export type Line =
  | { readonly kind: 'message'; readonly text: string }
  | { readonly kind: 'command'; readonly name: CommandName; readonly argument: string }
  /** `advice` says what to do instead. */
  | { readonly kind: 'unknown'; readonly name: string; readonly advice: string }

/**
 * What a typed line means. A second slash says a line that begins with one: `//etc/hosts`. Spaces before a slash are a slip:
 * what was meant for the program is not said to everybody.
 */
export function lineOf(text: string): Line {
  const typed = text.trimStart()
  if (!typed.startsWith('/')) return { kind: 'message', text }
  if (typed.startsWith('//')) return { kind: 'message', text: typed.slice(1) }
  const [, name = '', argument = ''] = /^\/(\S*)\s*([\s\S]*?)\s*$/.exec(typed) ?? []
  const found = commandOf(name)
  return found === undefined
    ? { kind: 'unknown', name, advice: adviceOn(name) }
    : { kind: 'command', name: found.name, argument }
}

/** The command of a name or alias, whatever its case. */
export function commandOf(name: string): (Command & { readonly name: CommandName }) | undefined {
  const lower = name.toLowerCase()
  return COMMANDS.find(command => command.name === (ALIASES.get(lower) ?? lower))
}

/** One line on a command that does not exist. */
export const unknownCommandLine = ({ name, advice }: Extract<Line, { kind: 'unknown' }>): string =>
  `there is no command /${cut(name)}: ${advice}${advice.endsWith('?') ? '' : '.'} To say it, write //${cut(name)}`

const cut = (name: string): string => name.slice(0, NAME_LENGTH_MAX)

function adviceOn(name: string): string {
  const typed = cut(name).toLowerCase()
  const advice = ADVICE.get(typed)
  if (advice !== undefined) return advice
  const meant = nearest(typed)
  return meant === undefined ? '/help lists all' : `did you mean /${meant}?`
}

/** What has to be typed for a message to be said. */
export const typedFor = (message: string): string => (message.trimStart().startsWith('/') ? `/${message}` : message)

/** The command that was probably meant: one that begins so, or that few letters are wrong of. */
function nearest(name: string): string | undefined {
  const names = COMMANDS.map(command => command.name)
  const longer = name === '' ? undefined : names.find(known => known.startsWith(name) || name.startsWith(known))
  if (longer !== undefined) return longer
  const [best] = names
    .map(known => ({ known, distance: distanceOf(name, known) }))
    .filter(({ known, distance }) => distance <= Math.max(1, Math.floor(known.length / 2)) && distance <= 2)
    .sort((a, b) => a.distance - b.distance)
  return best?.known
}
