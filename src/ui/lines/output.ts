import type { Writable } from 'node:stream'
import { ChatError, reasonOf, systemCode } from '../../base/errors.js'
import { sanitise } from '../../base/safe-text.js'
import type { EventText } from '../text/event-text.js'

/** Standard output is closed: its reader closed it, or a write failed. */
export class OutputClosed extends Error {
  /** Whether the reader closed the output. If so, a command ends like `cat`: quietly, with exit code 0. */
  readonly isReaderGone: boolean

  constructor(cause: unknown) {
    super('standard output is closed', { cause })
    this.isReaderGone = isReaderGone(cause)
  }
}

/** Error codes of a closed pipe, a closed terminal and a stream that was closed before. */
const READER_GONE = new Set(['EPIPE', 'EIO', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'])

const isReaderGone = (error: unknown): boolean => error == null || READER_GONE.has(systemCode(error) ?? '')

/** Buffered bytes beyond which `writeUnlessFull` drops lines. */
const WAITING_BYTES_MAX = 1024 * 1024

/**
 * Handles the errors of both standard streams, for every command: without a listener, a closed pipe would end the process
 * with a stack trace. A failed write to stdout, as to a full disk, is reported once, and makes the exit code 1.
 */
export function watchOutput(stdout: Writable = process.stdout, stderr: Writable = process.stderr): void {
  let isReported = false // every further write fails as well
  stdout.on('error', error => {
    if (isReaderGone(error) || isReported) return
    isReported = true
    complain(new ChatError('OUTPUT_FAILED', `the output cannot be written: ${reasonOf(error)}`))
    process.exitCode = 1
  })
  stderr.on('error', () => {}) // there is nowhere to report it
}

/** Prints a notice to stderr. */
export const info = (line: string): void => report(`info> ${sanitise(line)}`)
export const warn = (line: string): void => report(`warn> ${sanitise(line)}`)
export const tell = ({ level, line }: EventText): void => (level === 'info' ? info : warn)(line)

let wrap = (line: string, _columns: number): string => line

/** Loads the module that wraps lines on a terminal. Separate, because it takes 30 ms and a node can start without it. */
export async function loadWrapping(): Promise<void> {
  if (process.stderr.isTTY) wrap = (await import('../wrapped.js')).wrapped
}

function report(line: string): void {
  const { stderr } = process
  writeUnlessFull(stderr, stderr.isTTY ? wrap(line, stderr.columns) : line)
}

/** Prints why the program failed. */
export function complain(error: unknown): void {
  const line = error instanceof ChatError ? error.toLine() : `something went wrong: ${reasonOf(error)}`
  process.stderr.write(`persisted-chat: ${sanitise(line)}\n`)
}

/** Writes lines, and waits until they are written. Rejects with `OutputClosed`. */
export function writeLines(stream: Writable, lines: readonly string[]): Promise<void> {
  if (lines.length > 0) return write(stream, `${lines.join('\n')}\n`)
  return stream.destroyed ? Promise.reject(new OutputClosed(stream.errored)) : Promise.resolve()
}

/**
 * Writes lines. Succeeds if the reader has closed the stream: this must not change the exit code of a command that
 * checks something. Rejects with `OutputClosed` only if a write fails.
 */
export async function writeLinesIfOpen(stream: Writable, lines: readonly string[]): Promise<void> {
  try {
    await writeLines(stream, lines)
  } catch (error) {
    if (!(error instanceof OutputClosed && error.isReaderGone)) throw error
  }
}

/** Writes, and resolves when everything is written. Rejects with `OutputClosed`. */
export function write(stream: Writable, content: string | Uint8Array): Promise<void> {
  if (stream.destroyed) return Promise.reject(new OutputClosed(stream.errored))
  return new Promise((resolve, reject) => {
    stream.write(content, error => {
      if (error || stream.destroyed) reject(new OutputClosed(error ?? stream.errored))
      else resolve()
    })
  })
}

/** Writes a line without waiting. Drops it if the reader is too slow, so that memory stays bounded. */
export function writeUnlessFull(stream: Writable, line: string): void {
  if (stream.destroyed) return
  if (stream.writableLength <= WAITING_BYTES_MAX) stream.write(`${line}\n`)
  else if (stream === process.stdout && !isDropReported) {
    isDropReported = true
    warn('stdout is read too slowly: lines are dropped')
  }
}

let isDropReported = false
