import type { Command } from 'commander'
import { runChat, TIMEOUT_S } from './chat-start.js'
import {
  DATA_HELP,
  DIRECT_HELP,
  directPolicy,
  ENCRYPTED_HELP,
  MAX_DISK_HELP,
  mebibytes,
  ROOM_HELP,
  seconds,
  wholeNumber,
} from './option-values.js'
import { type ExitWith, type Registration, subcommand } from './registration.js'

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
    .option('--to <name>', 'who must have stored the --message: the person whose key is pinned to this name')
    .option('--timeout <s>', 'how many seconds --message waits', seconds, TIMEOUT_S)
    .option('--seed', 'the same as `persisted-chat node`: store and relay messages, until stopped')
    .option('--no-discovery', 'do not use multicast DNS: connect only to the addresses given')
    .option('--encrypted', ENCRYPTED_HELP)
    .option('--max-disk <MiB>', MAX_DISK_HELP, mebibytes)
    .option('--direct <who>', DIRECT_HELP, directPolicy)
    .action(exitWith(runChat))
}
