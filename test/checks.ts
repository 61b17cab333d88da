/** Runs the linter and the search for dead code at the same time, because the second uses only one core. Prints each when it ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

await Promise.all(
  ['lint', 'dead-code'].map(async script => {
    // npm is a shell script on some systems.
    const child = spawn(`npm run -s ${script}`, { shell: true, stdio: ['ignore', 'pipe', 'pipe'] })
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    process.stdout.write(stdout)
    process.stderr.write(stderr)
    if (code !== 0) process.exitCode = 1
  }),
)
