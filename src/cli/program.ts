import { readFileSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { ChatError } from '../base/errors.js'
import { chat } from './chat-command.js'
import { complain } from './output.js'

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
  readonly discovery: boolean
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
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
  program.addCommand(
    chatCommand(program.createCommand('chat'), result => {
      code = result
    })
      .description('the same, for a name that is also a command')
      .copyInheritedSettings(program),
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
    .option('--data <dir>', 'where the logs are kept (default: $PERSISTED_CHAT_DATA, else ./data)')
    .option('--last <n>', 'show only the last n messages first (on a terminal 200 without it)', wholeNumber)
    .option('--all', 'show the whole history first')
    .option('--json', 'one JSON object a line on stdout; JSON or plain lines on stdin')
    .option('--plain', 'lines only, no screen control, on a terminal too')
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
          data: flags.data ?? process.env['PERSISTED_CHAT_DATA'] ?? 'data',
          last: flags.all ? 'all' : flags.last,
          isJson: flags.json ?? false,
          isDiscovering: flags.discovery,
        }),
      )
    })
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return OK
    complain(
      new ChatError('BAD_USAGE', error.message.replace(/^error: /, '').replace(/\.$/, ''), {
        hint: 'See persisted-chat --help.',
      }),
    )
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
