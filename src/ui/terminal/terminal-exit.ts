import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { isatty } from 'node:tty'
import { jobState } from './foreground.js'

const STANDARD_STREAMS = [0, 1, 2]

/**
 * Lets the process end without touching a terminal that it has lost. When a process ends, Node.js restores the modes of the
 * terminals that it was started on: it aborts if one is gone, and changes the mode under the shell's prompt if the process
 * is in the background. It skips a descriptor that no longer refers to the same file, so this replaces the
 * descriptors of those terminals by /dev/null. Call this before anything else.
 */
export function releaseLostTerminalAtExit(): void {
  const terminals = STANDARD_STREAMS.filter(stream => isatty(stream))
  if (terminals.length === 0) return
  process.on('exit', () => {
    const isBackground = !jobState().isInForeground
    for (const stream of terminals) if (isBackground || !isatty(stream)) replaceByDevNull(stream)
  })
}

function replaceByDevNull(stream: number): void {
  try {
    closeSync(stream)
    openSync(devNull, 'r+') // gets the lowest free descriptor: the one just closed
  } catch {
    // It is closed already, and Node.js skips it.
  }
}
