import { watchOutput } from '../ui/lines/output.js'
import { releaseLostTerminalAtExit } from '../ui/terminal/terminal-exit.js'
import { run } from './command-line.js'

/** Longest time for the process to end after the command has ended. */
const END_MS = 1_000

/** Exit code of Node.js if the command's promise never settles. */
const UNSETTLED = 13

process.on('exit', code => {
  if (code === UNSETTLED)
    process.stderr.write(
      'persisted-chat: the program ended before the command was done, because of a bug. Try again.\n',
    )
})
releaseLostTerminalAtExit()
watchOutput()
const code = await run(process.argv.slice(2))
// A failed write has already set the exit code.
process.exitCode ||= code
// Output that a lost terminal does not accept would keep the process running.
if (process.stdout.isTTY) setTimeout(() => process.exit(), END_MS).unref()
