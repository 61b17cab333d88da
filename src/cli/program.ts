import { readFileSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { ChatError } from '../base/errors.js'
import { systemRandom } from '../base/random.js'
import { CHAT_TOPOLOGIES } from '../sim/topologies.js'
import { chat } from './chat-command.js'
import { floodCommand } from './flood-command.js'
import { gossipCommand, simulateGossipCommand } from './gossip-program.js'
import { exportLog, importLog, printLog, verifyLog, type Where } from './log-commands.js'
import { between } from './option-values.js'
import { complain } from './output.js'
import { renewKey } from './renew-command.js'

const OK = 0
const FAILED = 1
const WRONG_USAGE = 2

/** Codes that say that the command line was wrong, not the world. */
const USAGE_CODES = new Set(['BAD_USAGE', 'BAD_NAME', 'BAD_ADDRESS'])

interface ChatFlags {
  readonly listen?: string
  readonly data?: string
  readonly last?: number
  readonly all?: boolean
  readonly json?: boolean
  readonly plain?: boolean
  readonly room?: string
  readonly trustClock?: boolean
  readonly discovery: boolean
  readonly bell: boolean
  readonly message?: string
  readonly seed?: boolean
  readonly timeout: number
}

/** Runs a command line, without `node` and the script. Resolves with the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  let code = OK
  const program = chatCommand(new Command('persisted-chat'), result => {
    code = result
  })
  program
    .description("A group chat that needs no server: the whole conversation is kept on everyone's own disk.")
    .version(version(), '--version', 'print the version')
    .addHelpText('after', HELP_AFTER)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
  program.addCommand(
    chatCommand(program.createCommand('chat'), result => {
      code = result
    })
      .description('the same, for a name that is also a command')
      .copyInheritedSettings(program),
  )
  for (const command of logCommands(result => {
    code = result
  })) {
    program.addCommand(command.copyInheritedSettings(program))
  }
  program.addCommand(
    doctorCommand(program.createCommand('doctor'), result => {
      code = result
    }).copyInheritedSettings(program),
  )
  program.addCommand(
    gossipCommand(program, result => {
      code = result
    }),
  )
  program.addCommand(
    floodCommand(result => {
      code = result
    }).copyInheritedSettings(program),
  )
  program.addCommand(
    simulateCommand(program, result => {
      code = result
    }),
  )
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return exitCodeOf(error)
  }
}

function chatCommand(command: Command, onDone: (code: number) => void): Command {
  return command
    .argument('[me]', 'your name')
    .argument('[peer...]', 'names on the local network, or addresses as host:port')
    .option('--listen <[host:]port>', 'where to listen; without it the port that your name hashes to')
    .option('--room <name>', 'another conversation than lobby, with logs of its own')
    .option('--data <dir>', 'where the logs are kept (default: $PERSISTED_CHAT_DATA, else ./data)')
    .option('--last <n>', 'show only the last n messages first (on a terminal 200 without it)', wholeNumber)
    .option('--all', 'show the whole history first')
    .option('--json', 'one JSON object a line on stdout; JSON or plain lines on stdin')
    .option('--plain', 'lines only, no screen control, on a terminal too')
    .option('--no-bell', 'do not ring when somebody calls you by your name')
    .option('--message <text>', 'say this, wait until a peer has stored it, and end')
    .option('--timeout <s>', 'how many seconds --message waits', wholeNumber, 10)
    .option('--seed', 'say and show nothing: keep and relay what is said, until stopped')
    .option('--trust-clock', 'the clock of this machine is right, though it says years after this release')
    .option('--no-discovery', 'no names on the local network: link only to the addresses given')
    .action(async (me: string | undefined, peers: string[], flags: ChatFlags) => {
      if (me === undefined) {
        throw new ChatError('BAD_USAGE', 'your name is missing', { hint: 'Try: persisted-chat alice bob' })
      }
      onDone(
        await chat({
          me,
          peers,
          listen: flags.listen,
          data: dataDirectory(flags.data),
          room: flags.room,
          isClockTrusted: flags.trustClock ?? false,
          isPlain: flags.plain ?? false,
          hasBell: flags.bell,
          last: flags.all ? 'all' : flags.last,
          isJson: flags.json ?? false,
          isDiscovering: flags.discovery,
          isSeed: flags.seed ?? false,
          message: flags.message === undefined ? undefined : { text: flags.message, timeoutS: flags.timeout },
        }),
      )
    })
}

function doctorCommand(command: Command, onDone: (code: number) => void): Command {
  return command
    .description('say why two peers do not see each other')
    .argument('[me]', 'your name')
    .argument('[peer...]', 'whom you do not see: names, or addresses as host:port')
    .option('--listen <[host:]port>', 'where you listen, if not at the port that your name hashes to')
    .option('--room <name>', 'another conversation than lobby')
    .option('--data <dir>', 'where the logs are kept (default: $PERSISTED_CHAT_DATA, else ./data)')
    .option('--json', 'one JSON object')
    .action(async (me: string | undefined, peers: string[], flags: DoctorFlags) => {
      const { doctor } = await import('./doctor-command.js')
      const { listen, room, json } = flags
      onDone(await doctor({ me, peers, listen, room, data: dataDirectory(flags.data), isJson: json ?? false }))
    })
}

interface DoctorFlags extends WhereFlags {
  readonly listen?: string
  readonly json?: boolean
}

interface WhereFlags {
  readonly data?: string
  readonly room?: string
}

/** Commands on what is stored, without any network. */
function logCommands(onDone: (code: number) => void): Command[] {
  const command = (name: string, description: string): Command =>
    new Command(name)
      .description(description)
      .argument('<me>', 'your name')
      .option('--data <dir>', 'where the logs are kept (default: $PERSISTED_CHAT_DATA, else ./data)')
      .option('--room <name>', 'another conversation than lobby')
  const where = (me: string, { data, room }: WhereFlags): Where => ({ me, data: dataDirectory(data), room })
  return [
    command('log', 'print the stored history')
      .option('--json', 'one JSON object a line')
      .option('--last <n>', 'only the last n that match', wholeNumber)
      .option(
        '--since <time>',
        'only what was written at or after this time, as 2026-11-21 or 2026-11-21T10:00',
        moment,
      )
      .option('--author <name>', 'only what this name, or a key that begins so, has written')
      .option('--grep <text>', 'only messages that contain the text')
      .action(
        async (
          me: string,
          flags: WhereFlags & { json?: boolean; last?: number; since?: number; author?: string; grep?: string },
        ) => {
          const { json, last, since, author, grep } = flags
          onDone(await printLog(where(me, flags), { isJson: json ?? false, last, sinceMs: since, author, grep }))
        },
      ),
    command('verify', 'check every sequence, chain and signature that is stored')
      .option('--json', 'one JSON object')
      .action(async (me: string, flags: WhereFlags & { json?: boolean }) => {
        onDone(await verifyLog(where(me, flags), flags.json ?? false))
      }),
    command('export', 'write the signed logs to a file')
      .argument('<file>', 'the file to write')
      .action(async (me: string, file: string, flags: WhereFlags) => onDone(await exportLog(where(me, flags), file))),
    command('import', 'merge an export, or the database of the original program')
      .argument('<file-or-dir>', 'what to read')
      .action(async (me: string, from: string, flags: WhereFlags) => onDone(await importLog(where(me, flags), from))),
    command('renew', 'a new key that names the old one, after a lost or forked log').action(
      async (me: string, flags: WhereFlags) => onDone(await renewKey(where(me, flags))),
    ),
  ]
}

interface SimulateFlags {
  readonly peers: number
  readonly seed?: number
  readonly topology: (typeof CHAT_TOPOLOGIES)[number]
  readonly minutes: number
  readonly lines: number
  readonly delay: { readonly min: number; readonly max: number }
  readonly loss: number
  readonly churn: number
  readonly partition: number
  readonly json?: boolean
  readonly report?: string
}

interface CrowdFlags {
  readonly peers: number
  readonly seed?: number
  readonly arrivals: number
  readonly leave: number
  readonly silent?: boolean
  readonly delay: { readonly min: number; readonly max: number }
  readonly json?: boolean
}

/** Networks in virtual time. */
function simulateCommand(program: Command, onDone: (code: number) => void): Command {
  const chat = new Command('chat')
    .copyInheritedSettings(program)
    .description('let peers chat: how fast lines spread, and at what cost')
    .option('--peers <n>', 'how many peers', between(2, 2_000), 20)
    .option('--seed <n>', 'the same seed gives the same run (default: a new one each time)', wholeNumber)
    .addOption(new Option('--topology <kind>', 'who is linked with whom').choices(CHAT_TOPOLOGIES).default('regular'))
    .option('--minutes <n>', 'virtual minutes', between(1, 1_440), 2)
    .option('--lines <n>', 'lines said in a minute, by anybody', between(1, 100_000), 30)
    .addOption(
      new Option('--delay <ms>', 'what a packet takes, as 5 or as 1-30')
        .argParser(delay)
        .default({ min: 1, max: 30 }, '1-30'),
    )
    .option('--loss <share>', 'packets that are lost and sent again, 0 to 0.9', share, 0)
    .option('--churn <n>', 'peers that crash in a minute, and come back', between(0, 100_000), 0)
    .option('--partition <minutes>', 'for how long, in the middle, two halves do not reach each other', number, 0)
    .option('--json', 'one JSON object')
    .option('--report <file>', 'write a page with pictures')
    .action(async ({ delay, partition, seed, json, report, ...flags }: SimulateFlags) => {
      const { simulate } = await import('./simulate-command.js')
      onDone(
        await simulate({
          ...flags,
          seed: seed ?? Math.floor(systemRandom.number() * 1_000_000),
          delayMsMin: delay.min,
          delayMsMax: delay.max,
          partitionMinutes: partition,
          isJson: json ?? false,
          report,
        }),
      )
    })
  const crowd = new Command('crowd')
    .copyInheritedSettings(program)
    .description('let peers that know one address meet: who gets linked with whom, and what holds when some leave')
    .option('--peers <n>', 'how many peers', between(2, 2_000), 1_000)
    .option('--seed <n>', 'the same seed gives the same run (default: a new one each time)', wholeNumber)
    .option('--arrivals <n>', 'peers that come in a second', between(1, 10_000), 100)
    .option('--leave <share>', 'peers that leave at once in the end, 0 to 0.9', share, 0.3)
    .option('--silent', 'without a word, as when the power fails; else their links break')
    .addOption(
      new Option('--delay <ms>', 'what a packet takes, as 5 or as 1-30')
        .argParser(delay)
        .default({ min: 1, max: 30 }, '1-30'),
    )
    .option('--json', 'one JSON object')
    .action(async ({ delay, seed, silent, json, ...flags }: CrowdFlags) => {
      const { crowd } = await import('./crowd-command.js')
      onDone(
        await crowd({
          ...flags,
          seed: seed ?? Math.floor(systemRandom.number() * 1_000_000),
          delayMsMin: delay.min,
          delayMsMax: delay.max,
          isSilent: silent ?? false,
          isJson: json ?? false,
        }),
      )
    })
  return new Command('simulate')
    .copyInheritedSettings(program)
    .description('networks in virtual time, to measure and to learn from')
    .argument('[what]', 'chat, crowd or gossip')
    .action(what => {
      throw new ChatError(
        'BAD_USAGE',
        what === undefined ? 'what to simulate is missing' : `${what} cannot be simulated`,
        {
          hint: 'Try: persisted-chat simulate chat, simulate crowd, or simulate gossip',
        },
      )
    })
    .addCommand(chat)
    .addCommand(crowd)
    .addCommand(simulateGossipCommand(program, onDone))
}

const dataDirectory = (flag: string | undefined): string => flag ?? process.env['PERSISTED_CHAT_DATA'] ?? 'data'

function moment(text: string): number {
  const value = Date.parse(text)
  if (!/^\d{4}-/.test(text) || Number.isNaN(value))
    throw new InvalidArgumentError('It takes a time like 2026-11-21T10:00.')
  return value
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return OK
    const what = error.message.replace(/^error: |\.$/g, '').replace(/\s+/g, ' ')
    complain(new ChatError('BAD_USAGE', what, { hint: 'See persisted-chat --help.' }))
    return WRONG_USAGE
  }
  complain(error)
  return error instanceof ChatError && USAGE_CODES.has(error.code) ? WRONG_USAGE : FAILED
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It takes a whole number.')
  return value
}

function number(text: string): number {
  if (!/^\d{1,6}(\.\d{1,6})?$/.test(text)) throw new InvalidArgumentError('It takes a number.')
  return Number(text)
}

function share(text: string): number {
  const value = number(text)
  if (value > 0.9) throw new InvalidArgumentError('It takes a share from 0 to 0.9.')
  return value
}

function delay(text: string): { readonly min: number; readonly max: number } {
  const [, first = '', second = first] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text) ?? []
  if (first === '' || Number(second) < Number(first) || Number(second) > 60_000)
    throw new InvalidArgumentError('It takes milliseconds as 5 or as 1-30, at most 60000.')
  return { min: Number(first), max: Number(second) }
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}

const HELP_AFTER = `
A peer is a name on the local network (bob), or an address (10.0.0.7:4000, [fd00::2]:4000, localhost:3001).

Two terminals:
  persisted-chat alice bob
  persisted-chat bob alice

Type a line and press Enter to send it. Ctrl-C ends. Messages go to stdout, all else to stderr.`
