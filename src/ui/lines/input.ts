import { ChatError, errorLine } from '../../base/errors.js'
import { ENTRY_BYTES_MAX } from '../../log/limits.js'
import type { RoomApi } from '../../node/room-api.js'
import { piecesOf, splitLines } from '../split-lines.js'
import { info, warn } from './output.js'

/** Longest message of one entry: in JSON a byte may be escaped to six. */
export const MESSAGE_BYTES_MAX = Math.floor((ENTRY_BYTES_MAX - 1024) / 6)
/** Longest line of JSON input. */
const JSON_LINE_BYTES_MAX = 1024 * 1024
/** Unsaved lines, and their bytes, after which the input is paused. */
const UNSAVED_LINES_MAX = 256
const UNSAVED_BYTES_MAX = 64 * 1024

/** Notice about a message that does not fit into one entry. Built on demand, because loading the number format takes 20 ms. */
export const cutLine = (): string =>
  `a message of more than ${MESSAGE_BYTES_MAX.toLocaleString('en')} bytes is sent in several pieces`

/**
 * Sends each line of `input`, as fast as the disk stores them. Resolves at the end of the input. Calls `onCut` for a line that is
 * sent in pieces.
 */
export async function sendLines(
  room: Pick<RoomApi, 'say'>,
  input: AsyncIterable<Buffer | string>,
  isJson: boolean,
  onCut: () => void = () => info(cutLine()),
): Promise<void> {
  let unsaved: Promise<void>[] = []
  let bytes = 0
  for await (const message of messagesIn(input, isJson, onCut)) {
    if (message.trim() === '') continue
    unsaved.push(room.say(message).catch(reportRejection))
    bytes += Buffer.byteLength(message)
    if (unsaved.length >= UNSAVED_LINES_MAX || bytes >= UNSAVED_BYTES_MAX) {
      await Promise.all(unsaved)
      unsaved = []
      bytes = 0
    }
  }
  await Promise.all(unsaved)
}

/** Reports why a line was rejected. Lines that are lost because the chat ends are reported together at its end. */
function reportRejection(error: unknown): void {
  if (!(error instanceof ChatError && error.code === 'LOG_CLOSED')) warn(errorLine(error))
}

/** Yields one message per line; a message that is too long for one entry is yielded in pieces. */
async function* messagesIn(
  input: AsyncIterable<Buffer | string>,
  isJson: boolean,
  onCut: () => void,
): AsyncGenerator<string> {
  if (!isJson) yield* splitLines(input, MESSAGE_BYTES_MAX, onCut)
  else
    for await (const line of splitLines(input, JSON_LINE_BYTES_MAX)) {
      const pieces = [...piecesOf(messageIn(line), MESSAGE_BYTES_MAX)]
      if (pieces.length > 1) onCut()
      yield* pieces
    }
}

/** The message of a JSON line, `{"message":"…"}` or `"…"`; any other line is a message as it is. */
function messageIn(line: string): string {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'string') return value
    if (typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string')
      return value.message
    return line
  } catch {
    return line // a plain line
  }
}
