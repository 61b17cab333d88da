import { run } from './program.js'

/** What cannot be called off, such as a name that the system is looking up, must not keep anybody waiting. */
const LINGER_MS = 500

process.exitCode = await run(process.argv.slice(2))
setTimeout(() => process.exit(), LINGER_MS).unref()
