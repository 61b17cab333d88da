import { watchOutput } from '../ui/lines/output.js'
import { releaseLostTerminalAtExit } from '../ui/terminal/terminal-exit.js'
import { run } from './program.js'

/** How long what is left may take once all is done. */
const END_MS = 1_000

/** Node.js ends so where the command never settles. */
const UNSETTLED = 13

process.on('exit', code => {
  if (code === UNSETTLED)
    process.stderr.write('persisted-chat: it ended before it was done, by a fault of the program. Try again.\n')
})
releaseLostTerminalAtExit()
watchOutput()
const code = await run(process.argv.slice(2))
// A write that failed has set it already.
process.exitCode ||= code
// A terminal that is gone can hold the process by what was never written to it.
if (process.stdout.isTTY) setTimeout(() => process.exit(), END_MS).unref()
