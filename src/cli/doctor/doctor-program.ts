import { type Registration, subcommand, withChatOptions } from '../registration.js'
import { dataDirectory } from '../store/data-directory.js'

interface DoctorFlags {
  readonly data?: string
  readonly room?: string
  readonly listen?: string
  readonly json?: boolean
}

export const doctorCommands: Registration = (program, exitWith) => [
  withChatOptions(subcommand(program, 'doctor', 'find out why two peers do not connect'), ['listen', 'room', 'data'])
    .argument('[me]', 'your name')
    .argument('[peer...]', 'the peers you cannot reach: names, or addresses as host:port')
    .option('--json', 'one JSON object')
    .action(
      exitWith(async (me: string | undefined, peers: string[], { data, listen, room, json }: DoctorFlags) => {
        const { doctor } = await import('./doctor-command.js')
        // Without a name, the command reads no user's files.
        const directory = me === undefined ? '.' : (await dataDirectory(me, data)).data
        return doctor({ me, peers, listen, room, data: directory, isJson: json ?? false })
      }),
    ),
]
