import type { Command } from 'commander'
import { ChatError } from '../base/errors.js'
import { loadWrapping } from '../ui/lines/output.js'
import { DATA_HELP, ROOM_HELP, seconds, wholeNumber } from './option-values.js'
import { prepareNode } from './prepared-node.js'
import { type ExitWith, type Registration, subcommand } from './registration.js'
import { dataDirectory } from './store/data-directory.js'

interface ChatFlags {
  readonly listen?: string
  readonly data?: string
  readonly last?: number
  readonly all?: boolean
  readonly json?: boolean
  readonly plain?: boolean
  readonly time?: boolean
  readonly presence?: boolean
  readonly room?: string
  readonly discovery: boolean
  readonly bell: boolean
  readonly message?: string
  readonly seed?: boolean
  readonly timeout: number
}

/** `persisted-chat chat`: the chat under a command of its own, for names that are also commands. */
export const chatCommands: Registration = (program, exitWith) => [
  addChat(subcommand(program, 'chat', 'the chat, for a name that is also a command'), exitWith),
]

/** Adds the arguments, the options and the action of the chat to a command. */
export function addChat(command: Command, exitWith: ExitWith): Command {
  return command
    .argument('[me]', 'your name')
    .argument('[peer...]', 'names on the local network, or addresses as host:port')
    .option(
      '--listen <[host:]port>',
      'where to listen; port 0 is any free port (default: the port hashed from your name)',
    )
    .option('--room <name>', `${ROOM_HELP}, with logs of its own`)
    .option('--data <dir>', DATA_HELP)
    .option(
      '--last <n>',
      'show only the last n messages first (default: 200 on a terminal, all when piped)',
      wholeNumber,
    )
    .option('--all', 'show the whole history first')
    .option('--json', 'one JSON object a line on stdout; JSON or plain lines on stdin')
    .option('--plain', 'print lines without screen control, on a terminal too')
    .option('--time', 'begin each line with its time; --plain on a terminal always does')
    .option('--presence', 'with --json: also print who comes, leaves or goes away')
    .option('--no-bell', 'do not ring when someone mentions you')
    .option('--message <text>', 'send this, wait until a peer has stored it, and exit')
    .option('--timeout <s>', 'how many seconds --message waits', seconds, 10)
    .option('--seed', 'the same as `persisted-chat node`: store and relay messages, until stopped')
    .option('--no-discovery', 'do not use multicast DNS: connect only to the addresses given')
    .action(exitWith(runChat))
}

async function runChat(me: string | undefined, peers: string[], flags: ChatFlags): Promise<number> {
  if (me === undefined)
    throw new ChatError('BAD_USAGE', 'your name is missing', { hint: 'Try: persisted-chat alice bob' })
  if (flags.message !== undefined && isInvisible(flags.message))
    throw new ChatError('BAD_USAGE', 'the --message is empty', { hint: 'Pass a text, as in --message hello.' })
  if (flags.presence && !flags.json)
    throw new ChatError('BAD_USAGE', '--presence writes JSON objects', { hint: 'Pass --json as well.' })
  const { listen, room, discovery: isDiscovering } = flags
  const place = await dataDirectory(me, flags.data)
  const asked = { me, peers, listen, room, isDiscovering, ...place }
  if (flags.seed) {
    const [{ runNode }] = await Promise.all([import('./node-command.js'), loadWrapping()])
    return runNode(asked)
  }
  const node = await prepareNode(asked)
  // While the node starts.
  const [{ chat }] = await Promise.all([import('./chat-command.js'), loadWrapping()])
  const face = {
    me,
    ...place,
    room,
    isPlain: flags.plain ?? false,
    hasTimes: flags.time ?? false,
    hasPresence: flags.presence ?? false,
    hasBell: flags.bell,
    last: flags.all ? ('all' as const) : flags.last,
    isJson: flags.json ?? false,
    message: flags.message === undefined ? undefined : { text: flags.message, timeoutS: flags.timeout },
  }
  return chat(face, node)
}

/** Whether a text shows nothing: white space, controls and invisible characters. U+2800 is a braille cell without dots. */
const isInvisible = (text: string): boolean =>
  /^(?:[\s\p{Z}\p{C}\u2800]|\p{Default_Ignorable_Code_Point})*$/u.test(text)
