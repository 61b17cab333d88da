import type { Command } from 'commander'
import { fetchedLines, moment, wholeNumber } from '../option-values.js'
import { type Registration, subcommand, withChatOptions } from '../registration.js'
import type { FetchFlags } from '../rooms/fetch-command.js'
import { dataDirectory } from './data-directory.js'
import type { SearchFlags } from './search-command.js'
import type { Where } from './stored-logs.js'

interface WhereFlags {
  readonly data?: string
  readonly room?: string
}

interface LogFlags extends WhereFlags {
  readonly json?: boolean
  readonly time?: boolean
  readonly last?: number
  readonly since?: number
  readonly author?: string
  readonly grep?: string
}

/** Number of lines that `search` prints by default. */
const FOUND_LINES = 50

interface RiskFlags {
  readonly data?: string
  readonly min?: number
  readonly forgetPeer?: string
  readonly json?: boolean
}

const whereOf = async (me: string, { data, room }: WhereFlags): Promise<Where> => ({
  me,
  ...(await dataDirectory(me, data)),
  room,
})

const command = (program: Command, name: string, description: string): Command =>
  withChatOptions(subcommand(program, name, description).argument('<me>', 'your name'), ['data', 'room'])

/** Commands that work on the stored logs, without a network. */
export const logCommands: Registration = (program, exitWith) => [
  ...readingCommands(program, exitWith),
  ...writingCommands(program, exitWith),
]

/** Commands that read a copy of the logs. */
const readingCommands: Registration = (program, exitWith) => [
  command(program, 'log', 'print the stored history')
    .option('--json', 'one JSON object a line')
    .option('--time', 'begin each line with its date and time')
    .option('--last <n>', 'only the last n matching messages', wholeNumber)
    .option('--since <time>', 'only messages since 14:03, 2026-11-21 or 2026-11-21T10:00', moment)
    .option('--author <name>', 'only messages by this name, or by a key that begins so')
    .option('--grep <text>', 'only messages that contain the text')
    .action(
      exitWith(async (me: string, { json, time, last, since, author, grep, ...flags }: LogFlags) => {
        const { printLog } = await import('./log-command.js')
        const filter = { isJson: json ?? false, hasTimes: time ?? false, last, sinceMs: since, author, grep }
        return printLog(await whereOf(me, flags), filter)
      }),
    ),
  command(program, 'search', 'find lines: from:bob since:mon before:2h "two words" -without in:ops')
    .argument('<words...>', 'what to find; one argument in quotes is best')
    .option('--json', 'one JSON object a line')
    .option('--last <n>', 'at most the last n lines', wholeNumber, FOUND_LINES)
    .action(
      exitWith(async (me: string, words: string[], flags: SearchFlags) => {
        const { searchRooms } = await import('./search-command.js')
        return searchRooms(me, words.join(' '), flags)
      }),
    ),
  command(program, 'fetch', 'fetch the latest older lines that connected peers keep, for a day')
    .argument('[count]', 'how many, or all (default: 1000)', fetchedLines)
    .option('--json', 'one JSON object')
    .action(
      exitWith(async (me: string, count: string | undefined, flags: FetchFlags) => {
        const { fetchLines } = await import('../rooms/fetch-command.js')
        return fetchLines(me, count, flags)
      }),
    ),
  withChatOptions(subcommand(program, 'risk', 'on how many disks your lines are, as far as peers have proven it'), [
    'data',
  ])
    .argument('<me>', 'your name')
    .argument('[room]', 'one room (default: all)')
    .option('--min <n>', 'exit code 1 if any line is on fewer disks, this one included', wholeNumber)
    .option('--forget-peer <who>', 'do not count the copies of this peer until it is heard again')
    .option('--json', 'one JSON object for each room')
    .action(
      exitWith(async (me: string, room: string | undefined, flags: RiskFlags) => {
        const { reportRisk } = await import('./risk-command.js')
        const { data, min, forgetPeer, json } = flags
        return reportRisk(
          { me, ...(await dataDirectory(me, data)) },
          { room, min, forget: forgetPeer, isJson: json ?? false },
        )
      }),
    ),
  withChatOptions(subcommand(program, 'devices', 'list the logs of your key, and which of them is of this computer'), [
    'data',
  ])
    .argument('<me>', 'your name')
    .option('--json', 'one JSON object a line')
    .action(
      exitWith(async (me: string, { data, json }: LogFlags) => {
        const { listDevices } = await import('./devices-command.js')
        return listDevices({ me, ...(await dataDirectory(me, data)) }, json ?? false)
      }),
    ),
  withChatOptions(subcommand(program, 'rooms', 'list your rooms, and what you have not read there'), ['data'])
    .argument('<me>', 'your name')
    .option('--json', 'one JSON object a line')
    .action(
      exitWith(async (me: string, { data, json }: LogFlags) => {
        const { listRooms } = await import('./rooms-command.js')
        return listRooms({ me, ...(await dataDirectory(me, data)) }, json ?? false)
      }),
    ),
  withChatOptions(
    subcommand(program, 'verify', 'check every stored file, sequence, chain and signature, or a proof').argument(
      '<me-or-file>',
      'your name, or a file that the command proof has written',
    ),
    ['data', 'room'],
  )
    .option('--json', 'one JSON object; of a proof also one for each message')
    .action(
      exitWith(async (me: string, flags: LogFlags) => {
        const { isProofFile, verifyProof } = await import('./verify-proof-command.js')
        if (await isProofFile(me)) return verifyProof(me, flags.json ?? false)
        const { verifyLog } = await import('./verify-command.js')
        return verifyLog(await whereOf(me, flags), flags.json ?? false)
      }),
    ),
  withChatOptions(subcommand(program, 'proof', 'write what somebody said to stdout, such that anybody can verify it'), [
    'data',
  ])
    .argument('<me>', 'your name')
    .argument('<room>', 'the room')
    .argument('<author>', 'whose lines: their name, or the beginning of their key')
    .argument('<from..to>', 'which of their entries, as in 3..12')
    .option('--run <n>', 'of which log of theirs, if they have several', wholeNumber)
    .action(
      exitWith(
        async (
          me: string,
          room: string,
          author: string,
          range: string,
          { run, ...flags }: LogFlags & { run?: number },
        ) => {
          const { writeProof } = await import('./proof-command.js')
          return writeProof(await whereOf(me, { ...flags, room }), { author, range, run })
        },
      ),
    ),
  command(program, 'export', 'write the signed logs to a file')
    .argument('<file>', 'the file to write, or - for stdout')
    .action(
      exitWith(async (me: string, file: string, flags: WhereFlags) => {
        const { exportLog } = await import('./export-command.js')
        return exportLog(await whereOf(me, flags), file)
      }),
    ),
]

/** Commands that change the logs. */
const writingCommands: Registration = (program, exitWith) => [
  command(program, 'import', 'merge an export, or a scuttleup database')
    .argument('<file-or-dir>', 'what to read')
    .action(
      exitWith(async (me: string, from: string, flags: WhereFlags) => {
        const { importLog } = await import('./import-command.js')
        return importLog(await whereOf(me, flags), from)
      }),
    ),
  command(program, 'repair', 'repair damaged logs, and report whether your own log may have lost its end').action(
    exitWith(async (me: string, flags: WhereFlags) => {
      const { repairLog } = await import('./repair-command.js')
      return repairLog(await whereOf(me, flags))
    }),
  ),
  command(program, 'renew', 'create a new key that names the old one, after a lost or forked log').action(
    exitWith(async (me: string, flags: WhereFlags) => {
      const { renewKey } = await import('./renew-command.js')
      return renewKey(await whereOf(me, flags))
    }),
  ),
]
