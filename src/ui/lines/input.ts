import { ChatError, errorLine } from '../../base/errors.js'
import { ENTRY_BYTES_MAX } from '../../log/limits.js'
import type { RoomApi } from '../../node/room-api.js'
import { piecesOf, splitLines } from '../split-lines.js'
import { info, warn } from './output.js'

/** What of an entry a message may fill, whatever it is escaped to: six bytes for the worst character. */
export const MESSAGE_BYTES_MAX = Math.floor((ENTRY_BYTES_MAX - 1024) / 6)
/** A line of JSON, of which only the message is said: that of the longest text worth saying, escaped throughout. */
const JSON_LINE_BYTES_MAX = 1024 * 1024
/** Lines that wait for the disk before no more are read. */
const WAITING_LINES_MAX = 256

/** Notice for a message that does not fit into one entry. A function: loading the number format takes 20 ms. */
export const cutLine = (): string =>
  `a message of more than ${MESSAGE_BYTES_MAX.toLocaleString('en')} bytes is sent in several parts`

/** Says each line of `input`, at the disk's pace. Resolves at its end. `onCut` is told of a line that is sent in parts. */
export async function sayLines(
  peer: Pick<RoomApi, 'say'>,
  input: AsyncIterable<Buffer | string>,
  isJson: boolean,
  onCut: () => void = () => info(cutLine()),
): Promise<void> {
  let waiting: Promise<void>[] = []
  for await (const message of messagesIn(input, isJson, onCut)) {
    if (message.trim() === '') continue
    waiting.push(peer.say(message).catch(reportRefusal))
    if (waiting.length >= WAITING_LINES_MAX) {
      await Promise.all(waiting)
      waiting = []
    }
  }
  await Promise.all(waiting)
}

/** Lines that the end of the chat cuts off are counted there. */
function reportRefusal(error: unknown): void {
  if (!(error instanceof ChatError && error.code === 'LOG_CLOSED')) warn(errorLine(error))
}

/** A message a line; one that is too long for an entry comes in pieces. */
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
