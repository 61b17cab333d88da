import { existsSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { ChatError } from '../base/errors.js'
import { packageVersion } from '../base/program-files.js'
import { homeOf } from '../node/paths.js'
import { complain, loadWrapping } from '../ui/lines/output.js'
import { backupCommands } from './backup/backup-program.js'
import { addChat, chatCommands } from './chat-program.js'
import { checkFirstWord, firstWordOf } from './command-words.js'
import { doctorCommands } from './doctor/doctor-program.js'
import { DONE, exitCodeOf, WRONG_USAGE } from './exit-code.js'
import { floodCommands } from './labs/flood-program.js'
import { gossipCommands } from './labs/gossip-program.js'
import { simulateCommands } from './labs/simulate-program.js'
import { nodeCommands } from './node/node-program.js'
import { type ExitWith, type Registration, subcommand } from './registration.js'
import { roomCommands } from './rooms/rooms-program.js'
import { dataDirectory } from './store/data-directory.js'
import { logCommands } from './store/log-program.js'
import { webCommands } from './web/web-program.js'

const versionCommands: Registration = (program, exitWith) => [
  subcommand(program, 'version', 'print the version').action(
    exitWith(async () => {
      process.stdout.write(`${packageVersion()}\n`)
      return DONE
    }),
  ),
]

/** The commands other than the chat itself, in the order of --help. */
const REGISTRATIONS: readonly Registration[] = [
  chatCommands,
  logCommands,
  backupCommands,
  roomCommands,
  nodeCommands,
  doctorCommands,
  webCommands,
  gossipCommands,
  floodCommands,
  simulateCommands,
  versionCommands,
]

/** Runs a command line, without `node` and the script. Resolves with the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  let code = DONE
  const exitWith: ExitWith =
    action =>
    async (...args) => {
      code = await action(...args)
    }
  const program = addChat(new Command('persisted-chat'), exitWith)
    .description('A group chat without a server: everyone keeps the whole conversation on their own disk.')
    .version(packageVersion(), '--version', 'print the version')
    .addHelpText('after', HELP_AFTER)
    .helpCommand('help [command]', 'print the options of the chat, or of a command')
    .enablePositionalOptions()
    .exitOverride()
    // The chat itself loads the wrapping module, while its node starts.
    .hook('preAction', (main, command) => (command === main || command.name() === 'chat' ? undefined : loadWrapping()))
    .configureOutput({ writeErr: () => {} })
  for (const register of REGISTRATIONS) for (const command of register(program, exitWith)) program.addCommand(command)
  try {
    await checkUserName(program, args)
    // Commander's help command does not accept --help.
    const isHelpOnHelp = args[0] === 'help' && args.slice(1).some(arg => arg === '--help' || arg === '-h')
    await program.parseAsync(isHelpOnHelp ? ['--help'] : args, { from: 'user' })
    return code
  } catch (error) {
    return error instanceof CommanderError ? usageExitCodeOf(error) : exitCodeOf(error)
  }
}

/**
 * A first word that is not a command is the user's name. Rejects with BAD_USAGE if it is probably a mistyped command.
 */
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
    return false // an invalid name, which is reported where it is used
  }
}

/** Prints what is wrong with a command line, unless commander has printed help or the version. Returns the exit code. */
function usageExitCodeOf(error: CommanderError): number {
  if (error.exitCode === 0) return DONE
  const said = error.code === 'commander.help' ? 'there is no such command' : error.message
  const what = said.replace(/^error: |\.$/g, '').replace(/\s+/g, ' ')
  complain(new ChatError('BAD_USAGE', what, { hint: 'See persisted-chat --help.' }))
  return WRONG_USAGE
}

const HELP_AFTER = `
A peer is a name on the local network (bob), or an address (10.0.0.7:4000, [fd00::2]:4000, localhost:3001).

Two terminals:
  persisted-chat alice bob
  persisted-chat bob alice

Type a line and press Enter to send it. Ctrl-C leaves. Messages go to stdout, everything else to stderr.`
