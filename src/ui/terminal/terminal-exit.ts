import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { isatty } from 'node:tty'
import { jobState } from './foreground.js'

const STANDARD_STREAMS = [0, 1, 2]

/**
 * Lets the process end without touching a terminal that it has lost. At its end Node.js sets the modes of the terminals that
 * it was started on. It aborts if one of them is gone, and changes the modes under the shell's prompt if the process is in
 * the background. Streams that are other files by then are left alone, so such terminals are replaced by /dev/null. To be
 * called before anything else runs.
 */
export function releaseLostTerminalAtExit(): void {
  const terminals = STANDARD_STREAMS.filter(stream => isatty(stream))
  if (terminals.length === 0) return
  process.on('exit', () => {
    const isBackground = !jobState().isInForeground
    for (const stream of terminals) if (isBackground || !isatty(stream)) replaceByNothing(stream)
  })
}

function replaceByNothing(stream: number): void {
  try {
    closeSync(stream)
    openSync(devNull, 'r+') // gets the lowest number that is free: the one just closed
  } catch {
    // It is closed already: Node.js leaves it alone.
  }
}
