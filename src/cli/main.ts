import { run } from './program.js'

/** How long what is left may take once all is done. */
const END_MS = 1_000

process.exitCode = await run(process.argv.slice(2))
// A terminal that is gone can hold the process by what was never written to it.
if (process.stdout.isTTY) setTimeout(() => process.exit(), END_MS).unref()
