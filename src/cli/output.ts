import type { Writable } from 'node:stream'
import { ChatError, reasonOf } from '../base/errors.js'
import { sanitise } from '../base/sanitise.js'

// Who reads stderr may go before the rest does: what would be told is then told to nobody.
process.stderr.on('error', () => {})

/** What a person is told beside the messages: one line each, on stderr. */
export const info = (line: string): void => void process.stderr.write(`info> ${sanitise(line)}\n`)
export const warn = (line: string): void => void process.stderr.write(`warn> ${sanitise(line)}\n`)

/** The last words of a run that failed. */
export function complain(error: unknown): void {
  const line = error instanceof ChatError ? error.toLine() : `something went wrong: ${reasonOf(error)}`
  process.stderr.write(`persisted-chat: ${sanitise(line)}\n`)
}

/** Writes whole lines, at the reader's pace. False where nobody reads any more. */
export async function writeLines(stream: Writable, lines: readonly string[]): Promise<boolean> {
  if (lines.length === 0) return !stream.destroyed
  return write(stream, `${lines.join('\n')}\n`)
}

/** Writes with backpressure. False if the stream was closed. */
export async function write(stream: Writable, content: string | Uint8Array): Promise<boolean> {
  if (stream.destroyed) return false
  return new Promise(resolve => {
    stream.write(content, error => resolve(!error && !stream.destroyed))
  })
}
