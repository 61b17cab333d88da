import { type ChatFlags, namesOfOptions, nodeOptionsIn, optionOf } from '../chat-options.js'
import { type Registration, subcommand, withChatOptions } from '../registration.js'
import { dataDirectory } from '../store/data-directory.js'

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
  withChatOptions(
    subcommand(program, 'node', 'run without a face: store and relay messages, until stopped'),
    namesOfOptions.filter(name => optionOf(name).scope !== 'face'),
  )
    .argument('<me>', 'your name')
    .argument('[peer...]', 'names on the local network, or addresses as host:port')
    .action(
      exitWith(async (me: string, peers: string[], flags: Partial<ChatFlags>) => {
        const place = await dataDirectory(me, flags.data)
        const { runNode } = await import('./node-command.js')
        return runNode({ me, peers, room: flags.room, ...nodeOptionsIn(flags), ...place })
      }),
    ),
  withChatOptions(subcommand(program, 'status', 'show the running node: process, rooms, faces and connections'), [
    'data',
  ])
    .argument('[me]', 'your name (default: every user in the data directory)')
    .option('--json', 'one JSON object a line')
    .action(
      exitWith(async (me: string | undefined, flags: StatusFlags) => {
        const { data } = await dataDirectory(me ?? 'status', flags.data)
        const { showStatus } = await import('./status-command.js')
        return showStatus({ me, data, isJson: flags.json ?? false })
      }),
    ),
  withChatOptions(
    subcommand(
      program,
      'people',
      'list which key each name has; accept another one, forget a name, or decline who asks to talk',
    ),
    ['data'],
  )
    .argument('<me>', 'your name')
    .argument('[action]', 'accept, forget or decline')
    .argument('[name]', 'whose key')
    .argument('[key]', 'its first 8 digits, or all of it (default: the other key that answers under the name)')
    .option('--json', 'one JSON object a line')
    .action(
      exitWith(async (me: string, action?: string, name?: string, key?: string, flags: StatusFlags = {}) => {
        const { data } = await dataDirectory(me, flags.data)
        const { managePeople } = await import('./people-command.js')
        return managePeople({ me, data, action, name, key, isJson: flags.json ?? false })
      }),
    ),
  withChatOptions(subcommand(program, 'stop', 'stop the running node, and its faces with it'), ['data'])
    .argument('<me>', 'your name')
    .option('--kill', 'kill a node that does not answer; stored messages are not lost')
    .action(
      exitWith(async (me: string, flags: StopFlags) => {
        const { data } = await dataDirectory(me, flags.data)
        const { stopNode } = await import('./stop-command.js')
        return stopNode({ me, data, kills: flags.kill ?? false })
      }),
    ),
]
