import { Command } from 'commander'
import { DATA_HELP, moment, wholeNumber } from '../option-values.js'
import { dataDirectory } from './data-directory.js'
import type { Where } from './stored-logs.js'

// What a command needs is loaded when it runs: the chat starts without it.
const commands = {
  log: () => import('./log-commands.js'),
  verify: () => import('./verify-command.js'),
  import: () => import('./import-command.js'),
  repair: () => import('./repair-command.js'),
  renew: () => import('./renew-command.js'),
} as const

interface WhereFlags {
  readonly data?: string
  readonly room?: string
}

/** Commands on what is stored, without any network. */
export function logCommands(onDone: (code: number) => void): Command[] {
  const command = (name: string, description: string): Command =>
    new Command(name)
      .description(description)
      .argument('<me>', 'your name')
      .option('--data <dir>', DATA_HELP)
      .option('--room <name>', 'another conversation than lobby')
  const where = async (me: string, { data, room }: WhereFlags): Promise<Where> => ({
    me,
    ...(await dataDirectory(me, data)),
    room,
  })
  return [
    command('log', 'print the stored history')
      .option('--json', 'one JSON object a line')
      .option('--time', 'begin each line with its date and time')
      .option('--last <n>', 'only the last n that match', wholeNumber)
      .option(
        '--since <time>',
        'only what was written at or after this time, as 14:03, 2026-11-21 or 2026-11-21T10:00',
        moment,
      )
      .option('--author <name>', 'only what this name, or a key that begins so, has written')
      .option('--grep <text>', 'only messages that contain the text')
      .action(
        async (
          me: string,
          flags: WhereFlags & {
            json?: boolean
            time?: boolean
            last?: number
            since?: number
            author?: string
            grep?: string
          },
        ) => {
          const { json, time, last, since, author, grep } = flags
          onDone(
            await (await commands.log()).printLog(await where(me, flags), {
              isJson: json ?? false,
              last,
              sinceMs: since,
              author,
              grep,
              hasTimes: time ?? false,
            }),
          )
        },
      ),
    command('verify', 'check every sequence, chain and signature that is stored')
      .option('--json', 'one JSON object')
      .action(async (me: string, flags: WhereFlags & { json?: boolean }) => {
        onDone(await (await commands.verify()).verifyLog(await where(me, flags), flags.json ?? false))
      }),
    command('export', 'write the signed logs to a file')
      .argument('<file>', 'the file to write, or - for stdout')
      .action(async (me: string, file: string, flags: WhereFlags) =>
        onDone(await (await commands.log()).exportLog(await where(me, flags), file)),
      ),
    command('import', 'merge an export, or the database of the original program')
      .argument('<file-or-dir>', 'what to read')
      .action(async (me: string, from: string, flags: WhereFlags) =>
        onDone(await (await commands.import()).importLog(await where(me, flags), from)),
      ),
    command('repair', 'repair damaged logs, and say whether the end of your own is in doubt')
      .option('--nobody-has-more', 'go on where your log ends here: no peer has more of it')
      .action(async (me: string, flags: WhereFlags & { nobodyHasMore?: boolean }) => {
        onDone(await (await commands.repair()).repairLog(await where(me, flags), flags.nobodyHasMore ?? false))
      }),
    command('renew', 'a new key that names the old one, after a lost or forked log').action(
      async (me: string, flags: WhereFlags) => onDone(await (await commands.renew()).renewKey(await where(me, flags))),
    ),
  ]
}
