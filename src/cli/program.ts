import { existsSync, readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { ChatError } from '../base/errors.js'
import { homeOf } from '../node/paths.js'
import { complain, OutputClosed } from '../ui/lines/output.js'
import { checkFirstWord, firstWordOf } from './command-words.js'
import { floodCommand } from './labs/flood-program.js'
import { gossipCommand } from './labs/gossip-program.js'
import { simulateCommand } from './labs/simulate-program.js'
import { DATA_HELP, seconds, wholeNumber } from './option-values.js'
import { dataDirectory } from './store/data-directory.js'
import { logCommands } from './store/log-program.js'

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
  readonly time?: boolean
  readonly presence?: boolean
  readonly room?: string
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
    .helpCommand('help [command]', 'print the options, or those of a command')
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
  program.addCommand(
    program
      .createCommand('version')
      .copyInheritedSettings(program)
      .description('print the version')
      .action(() => void process.stdout.write(`${version()}\n`)),
  )
  try {
    await checkUserName(program, args)
    // Commander's own help command does not take --help.
    const isHelpOnHelp = args[0] === 'help' && args.slice(1).some(arg => arg === '--help' || arg === '-h')
    await program.parseAsync(isHelpOnHelp ? ['--help'] : args, { from: 'user' })
    return code
  } catch (error) {
    return exitCodeOf(error)
  }
}

/** What is no command becomes the user's name: not so where it was meant as one. Rejects with BAD_USAGE. */
async function checkUserName(program: Command, args: readonly string[]): Promise<void> {
  const takesValue = (flag: string): boolean =>
    program.options.some(option => option.required && (option.long === flag || option.short === flag))
  const word = firstWordOf(args, takesValue)
  if (word === undefined) return
  const at = args.findIndex(arg => /^--data(=|$)/.test(arg))
  const data = args[at]?.startsWith('--data=') ? args[at].slice('--data='.length) : args[at + 1]
  const commands = [...program.commands.map(command => command.name()), 'help']
  const isUser = await isUserIn(word, at === -1 ? undefined : data)
  checkFirstWord(word, commands, () => isUser)
}

/** Whether a user of that name has a key in the data directory. */
async function isUserIn(name: string, flag: string | undefined): Promise<boolean> {
  try {
    const { data } = await dataDirectory(name, flag)
    return existsSync(homeOf(data, name).keyFile)
  } catch {
    return false // no name at all: reported where it is used
  }
}

function chatCommand(command: Command, onDone: (code: number) => void): Command {
  return command
    .argument('[me]', 'your name')
    .argument('[peer...]', 'names on the local network, or addresses as host:port')
    .option(
      '--listen <[host:]port>',
      'where to listen, port 0 for any free one; without it the port that your name hashes to',
    )
    .option('--room <name>', 'another conversation than lobby, with logs of its own')
    .option('--data <dir>', DATA_HELP)
    .option('--last <n>', 'show only the last n messages first (on a terminal 200 without it)', wholeNumber)
    .option('--all', 'show the whole history first')
    .option('--json', 'one JSON object a line on stdout; JSON or plain lines on stdin')
    .option('--plain', 'lines only, no screen control, on a terminal too')
    .option('--time', 'begin each line with its time; on a terminal --plain always does')
    .option('--presence', 'with --json: also an object for each person who comes, leaves or goes away')
    .option('--no-bell', 'do not ring when somebody calls you by your name')
    .option('--message <text>', 'say this, wait until a peer has stored it, and end')
    .option('--timeout <s>', 'how many seconds --message waits', seconds, 10)
    .option('--seed', 'say and show nothing: keep and relay what is said, until stopped')
    .option('--no-discovery', 'no names on the local network: link only to the addresses given')
    .action(async (me: string | undefined, peers: string[], flags: ChatFlags) => {
      if (me === undefined) {
        throw new ChatError('BAD_USAGE', 'your name is missing', { hint: 'Try: persisted-chat alice bob' })
      }
      if (flags.message !== undefined && isInvisible(flags.message)) {
        throw new ChatError('BAD_USAGE', 'the --message is empty', { hint: 'Say something, as --message hello.' })
      }
      if (flags.presence && !flags.json) {
        throw new ChatError('BAD_USAGE', '--presence writes JSON objects', { hint: 'Give --json as well.' })
      }
      const { chat } = await import('./chat-command.js')
      onDone(
        await chat({
          me,
          peers,
          listen: flags.listen,
          ...(await dataDirectory(me, flags.data)),
          room: flags.room,
          isPlain: flags.plain ?? false,
          hasTimes: flags.time ?? false,
          hasPresence: flags.presence ?? false,
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

/** Whether a text shows nothing: white space, controls and what takes no ink. U+2800 is a braille cell without dots. */
const isInvisible = (text: string): boolean =>
  /^(?:[\s\p{Z}\p{C}\u2800]|\p{Default_Ignorable_Code_Point})*$/u.test(text)

function doctorCommand(command: Command, onDone: (code: number) => void): Command {
  return command
    .description('say why two peers do not see each other')
    .argument('[me]', 'your name')
    .argument('[peer...]', 'whom you do not see: names, or addresses as host:port')
    .option('--listen <[host:]port>', 'where you listen, if not at the port that your name hashes to')
    .option('--room <name>', 'another conversation than lobby')
    .option('--data <dir>', DATA_HELP)
    .option('--json', 'one JSON object')
    .action(async (me: string | undefined, peers: string[], flags: DoctorFlags) => {
      const { doctor } = await import('./doctor/doctor-command.js')
      const { listen, room, json } = flags
      // Without a name it reads no user's files.
      const data = me === undefined ? '.' : (await dataDirectory(me, flags.data)).data
      onDone(await doctor({ me, peers, listen, room, data, isJson: json ?? false }))
    })
}

interface DoctorFlags {
  readonly data?: string
  readonly room?: string
  readonly listen?: string
  readonly json?: boolean
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return OK
    const said = error.code === 'commander.help' ? 'there is no such command' : error.message
    const what = said.replace(/^error: |\.$/g, '').replace(/\s+/g, ' ')
    complain(new ChatError('BAD_USAGE', what, { hint: 'See persisted-chat --help.' }))
    return WRONG_USAGE
  }
  // Why it could not be written has been reported.
  if (error instanceof OutputClosed) return error.isReaderGone ? OK : FAILED
  complain(error)
  return error instanceof ChatError && USAGE_CODES.has(error.code) ? WRONG_USAGE : FAILED
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
