import { distanceOf } from '../near-miss.js'
import { mentions, next, notify } from './attention.js'
import { connect, disconnect, peers } from './connections.js'
import { type Command, type CommandContext, command } from './context.js'
import { decline, msg, requests } from './direct.js'
import { get, preview, send } from './files.js'
import { last, show, since } from './history.js'
import { fetch, keep } from './keep.js'
import { edit, erase, history, jump, re, react, unreact, where } from './lines.js'
import { admit, invite, invites, members, refuse, remove, room, uninvite } from './members.js'
import { hide, unhide, who, whois } from './people.js'
import { accept, compare, people } from './pins.js'
import { close, join, leave, rooms } from './rooms.js'
import { search } from './search.js'
import { away, back, me, nick, topic } from './speech.js'
import { exportLogs, verify } from './storage.js'
import { ADVICE, ALIASES } from './verbs.js'

const help = command({
  name: 'help',
  argument: '[command]',
  help: 'list the commands, or explain one',
  completes: 'command',
  run: (context, name) => showHelp(context, name),
})

const quit = command({
  name: 'quit',
  argument: '',
  help: 'leave; Ctrl-C does the same',
  run: ({ quit }) => quit(),
})

/** All commands, in the order of /help. */
export const COMMANDS = [
  help,
  who,
  whois,
  me,
  msg,
  nick,
  topic,
  re,
  react,
  unreact,
  edit,
  erase,
  history,
  where,
  jump,
  send,
  get,
  preview,
  join,
  rooms,
  close,
  leave,
  room,
  invite,
  invites,
  uninvite,
  members,
  remove,
  admit,
  refuse,
  last,
  mentions,
  next,
  notify,
  show,
  search,
  since,
  keep,
  fetch,
  people,
  accept,
  compare,
  requests,
  decline,
  hide,
  unhide,
  away,
  back,
  peers,
  connect,
  disconnect,
  verify,
  exportLogs,
  quit,
] as const

export const SHOWN_COMMANDS: readonly Command[] = COMMANDS.filter((command: Command) => command.isHidden !== true)

/** How many letters of a mistyped command are compared and shown. */
const NAME_LENGTH_MAX = 20

type CommandName = (typeof COMMANDS)[number]['name']

export type Line =
  | { readonly kind: 'message'; readonly text: string }
  | { readonly kind: 'command'; readonly name: CommandName; readonly argument: string }
  /** `advice` is what to type instead. */
  | { readonly kind: 'unknown'; readonly name: string; readonly advice: string }

/**
 * Parses a typed line. A second slash escapes the first: `//etc/hosts`. Spaces before a slash are ignored, because a mistyped
 * command must not be sent to everyone.
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

/** Runs a command, or prints what to type instead. */
async function runCommand(context: CommandContext, line: Exclude<Line, { kind: 'message' }>): Promise<void> {
  if (line.kind === 'unknown') context.complain(unknownCommandLine(line))
  else await commandOf(line.name)?.run(context, line.argument)
}

/** Runs the commands of one face: ordered ones one after the other, as they were typed, and all others at once. */
export class CommandOrder {
  readonly #closing: AbortSignal
  #last: Promise<void> | undefined

  /** Commands that still wait when `closing` is aborted are not run. */
  constructor(closing: AbortSignal) {
    this.#closing = closing
  }

  /** Rejects if the command fails. */
  run(context: CommandContext, line: Exclude<Line, { kind: 'message' }>): Promise<void> {
    if (line.kind === 'unknown' || commandOf(line.name)?.isOrdered !== true) return runCommand(context, line)
    const ran =
      this.#last === undefined
        ? runCommand(context, line)
        : this.#last.then(() => (this.#closing.aborted ? undefined : runCommand(context, line)))
    const ended = ran.then(
      () => {},
      () => {},
    )
    this.#last = ended
    void ended.then(() => {
      if (this.#last === ended) this.#last = undefined
    })
    return ran
  }
}

/** The command with a name or alias, whatever its case. */
function commandOf(name: string): Command<CommandName> | undefined {
  const lower = name.toLowerCase()
  return COMMANDS.find((command: Command) => command.name === (ALIASES.get(lower) ?? lower))
}

function showHelp({ tell, list, complain, keyHelp }: CommandContext, name: string): void {
  if (name !== '') {
    const found = commandOf(name.replace(/^\//, ''))
    if (found === undefined) complain(`there is no command ${name}`)
    else tell(`/${found.name} ${found.argument}`.trim(), found.help)
    return
  }
  const width = Math.max(...SHOWN_COMMANDS.map(command => command.name.length + command.argument.length + 2))
  list(
    ...SHOWN_COMMANDS.map(command => `${`/${command.name} ${command.argument}`.padEnd(width)}  ${command.help}`),
    ...keyHelp,
  )
}

/** One line about a command that does not exist. */
export const unknownCommandLine = ({ name, advice }: Extract<Line, { kind: 'unknown' }>): string =>
  `there is no command /${cut(name)}: ${advice}${advice.endsWith('?') ? '' : '.'} To say it, type //${cut(name)}`

const cut = (name: string): string => name.slice(0, NAME_LENGTH_MAX)

function adviceOn(name: string): string {
  const typed = cut(name).toLowerCase()
  const advice = ADVICE.get(typed)
  if (advice !== undefined) return advice
  const meant = nearest(typed)
  return meant === undefined ? '/help lists all' : `did you mean /${meant}?`
}

/** Escapes a message so that `lineOf` returns it unchanged. */
export const typedFor = (message: string): string => (message.trimStart().startsWith('/') ? `/${message}` : message)

/** The command that was probably meant: one with the same beginning, or with few wrong letters. */
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
