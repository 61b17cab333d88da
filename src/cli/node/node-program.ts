import type { DirectPolicy } from '../../host/protocol/options.js'
import {
  DATA_HELP,
  DIRECT_HELP,
  directPolicy,
  ENCRYPTED_HELP,
  MAX_DISK_HELP,
  mebibytes,
  ROOM_HELP,
} from '../option-values.js'
import { type Registration, subcommand } from '../registration.js'
import { dataDirectory } from '../store/data-directory.js'

interface NodeFlags {
  readonly data?: string
  readonly room?: string
  readonly listen?: string
  readonly discovery: boolean
  readonly encrypted?: boolean
  readonly maxDisk?: number
  readonly direct?: DirectPolicy
}

interface StatusFlags {
  readonly data?: string
  readonly json?: boolean
}

interface StopFlags {
  readonly data?: string
  readonly kill?: boolean
}

/** Commands that run, show and stop the node of a user. */
export const nodeCommands: Registration = (program, exitWith) => [
  subcommand(program, 'node', 'run without a face: store and relay messages, until stopped')
    .argument('<me>', 'your name')
    .argument('[peer...]', 'names on the local network, or addresses as host:port')
    .option('--listen <[host:]port>', 'where to listen; port 0 is any free port')
    .option('--room <name>', ROOM_HELP)
    .option('--data <dir>', DATA_HELP)
    .option('--no-discovery', 'do not use multicast DNS: connect only to the addresses given')
    .option('--encrypted', ENCRYPTED_HELP)
    .option('--max-disk <MiB>', MAX_DISK_HELP, mebibytes)
    .option('--direct <who>', DIRECT_HELP, directPolicy)
    .action(
      exitWith(async (me: string, peers: string[], flags: NodeFlags) => {
        const {
          listen,
          room,
          discovery: isDiscovering,
          encrypted: isEncryptedOnly = false,
          maxDisk: diskBytesMax,
          direct,
        } = flags
        const place = await dataDirectory(me, flags.data)
        const { runNode } = await import('./node-command.js')
        return runNode({ me, peers, listen, room, isDiscovering, isEncryptedOnly, diskBytesMax, direct, ...place })
      }),
    ),
  subcommand(program, 'status', 'show the running node: process, rooms, faces and connections')
    .argument('[me]', 'your name (default: every user in the data directory)')
    .option('--data <dir>', DATA_HELP)
    .option('--json', 'one JSON object a line')
    .action(
      exitWith(async (me: string | undefined, flags: StatusFlags) => {
        const { data } = await dataDirectory(me ?? 'status', flags.data)
        const { showStatus } = await import('./status-command.js')
        return showStatus({ me, data, isJson: flags.json ?? false })
      }),
    ),
  subcommand(
    program,
    'people',
    'list which key each name has; accept another one, forget a name, or decline who asks to talk',
  )
    .argument('<me>', 'your name')
    .argument('[action]', 'accept, forget or decline')
    .argument('[name]', 'whose key')
    .argument('[key]', 'its first 8 digits, or all of it (default: the other key that answers under the name)')
    .option('--data <dir>', DATA_HELP)
    .option('--json', 'one JSON object a line')
    .action(
      exitWith(async (me: string, action?: string, name?: string, key?: string, flags: StatusFlags = {}) => {
        const { data } = await dataDirectory(me, flags.data)
        const { managePeople } = await import('./people-command.js')
        return managePeople({ me, data, action, name, key, isJson: flags.json ?? false })
      }),
    ),
  subcommand(program, 'stop', 'stop the running node, and its faces with it')
    .argument('<me>', 'your name')
    .option('--data <dir>', DATA_HELP)
    .option('--kill', 'kill a node that does not answer; stored messages are not lost')
    .action(
      exitWith(async (me: string, flags: StopFlags) => {
        const { data } = await dataDirectory(me, flags.data)
        const { stopNode } = await import('./stop-command.js')
        return stopNode({ me, data, kills: flags.kill ?? false })
      }),
    ),
]
