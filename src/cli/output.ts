import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { ChatError, reasonOf } from '../base/errors.js'
import { sanitise } from '../base/sanitise.js'

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
  if (stream.destroyed) return false
  if (!stream.write(`${lines.join('\n')}\n`)) {
    const closed = new AbortController()
    stream.once('close', () => closed.abort())
    await once(stream, 'drain', { signal: closed.signal }).catch(() => {}) // closed: told by `destroyed`
  }
  return !stream.destroyed
}
