import { type Registration, subcommand, withChatOptions } from '../registration.js'
import { dataDirectory } from '../store/data-directory.js'

interface BackupFlags {
  readonly data?: string
  readonly json?: boolean
  readonly check?: boolean
}

/** The commands `backup` and `restore`, for the loss of a disk. */
export const backupCommands: Registration = (program, exitWith) => [
  withChatOptions(
    subcommand(program, 'backup', 'write your key, rooms, people and read marks to a file, sealed with a passphrase'),
    ['data'],
  )
    .argument('<me>', 'your name')
    .argument('<file>', 'the file to write; an older backup is replaced')
    .option('--check', 'write nothing: rehearse restoring the file')
    .option('--json', 'one JSON object')
    .action(
      exitWith(async (me: string, file: string, { data, json, check }: BackupFlags) => {
        const { backUp, checkBackup } = await import('./backup-command.js')
        const request = { me, file, data: (await dataDirectory(me, data)).data, isJson: json ?? false }
        return check ? checkBackup(request) : backUp(request)
      }),
    ),
  withChatOptions(subcommand(program, 'restore', 'become the author of a backup again, on an empty disk'), ['data'])
    .argument('<me>', 'your name')
    .argument('<file>', 'a file that backup has written')
    .option('--json', 'one JSON object')
    .action(
      exitWith(async (me: string, file: string, { data, json }: BackupFlags) => {
        const { restore } = await import('./backup-command.js')
        return restore({ me, file, data: (await dataDirectory(me, data)).data, isJson: json ?? false })
      }),
    ),
]
