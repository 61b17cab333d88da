import { DATA_HELP, ROOM_HELP } from '../option-values.js'
import { type Registration, subcommand } from '../registration.js'
import { dataDirectory } from '../store/data-directory.js'

interface DoctorFlags {
  readonly data?: string
  readonly room?: string
  readonly listen?: string
  readonly json?: boolean
}

export const doctorCommands: Registration = (program, exitWith) => [
  subcommand(program, 'doctor', 'find out why two peers do not connect')
    .argument('[me]', 'your name')
    .argument('[peer...]', 'the peers you cannot reach: names, or addresses as host:port')
    .option('--listen <[host:]port>', 'where you listen (default: the port hashed from your name)')
    .option('--room <name>', ROOM_HELP)
    .option('--data <dir>', DATA_HELP)
    .option('--json', 'one JSON object')
    .action(
      exitWith(async (me: string | undefined, peers: string[], { data, listen, room, json }: DoctorFlags) => {
        const { doctor } = await import('./doctor-command.js')
        // Without a name it reads no user's files.
        const directory = me === undefined ? '.' : (await dataDirectory(me, data)).data
        return doctor({ me, peers, listen, room, data: directory, isJson: json ?? false })
      }),
    ),
]
