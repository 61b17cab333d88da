import { ChatError, errorLine } from '../../base/errors.js'
import { type Draft, plainTextOf, readDraft } from '../../chat/kinds/kinds.js'
import { type OwnTarget, readOwnTarget, readTarget, type Target } from '../../chat/kinds/target.js'
import { ENTRY_BYTES_MAX } from '../../log/limits.js'
import type { RoomApi } from '../../node/room-api.js'
import { lineBatches, piecesOf, piecesOfDraft } from '../split-lines.js'
import { info, warn } from './output.js'

/** Longest message that fits into one entry, in bytes: JSON may escape one byte to six. */
export const MESSAGE_BYTES_MAX = Math.floor((ENTRY_BYTES_MAX - 1024) / 6)
/** Longest line of JSON input, in bytes. */
const JSON_LINE_BYTES_MAX = 1024 * 1024
/** Numbers of unsaved lines and bytes at which the input is paused, until half of them are stored. */
const UNSAVED_LINES_MAX = 1_024
const UNSAVED_BYTES_MAX = 64 * 1024

/** Notice about a message that does not fit into one entry. Built on demand, because loading the number format takes 20 ms. */
export const cutLine = (): string =>
  `a message of more than ${MESSAGE_BYTES_MAX.toLocaleString('en')} bytes is sent in several pieces`

/** Actions that a line of input can trigger. */
export interface LineActions extends Pick<RoomApi, 'say' | 'erase'> {
  sendFile(file: string, isRaw: boolean): Promise<void>
  /** Fetches the file of a line, and reports the result. */
  fetchFile(fetched: FetchedFile): void
}

/**
 * Sends each line of `input`, as fast as the disk stores them. Resolves at the end of the input. Calls `onCut` for a line that is
 * sent in pieces.
 */
export async function sendLines(
  room: LineActions,
  input: AsyncIterable<Buffer | string>,
  isJson: boolean,
  onCut: () => void = () => info(cutLine()),
): Promise<void> {
  const unsaved = new UnsavedLines()
  const bytesMax = isJson ? JSON_LINE_BYTES_MAX : MESSAGE_BYTES_MAX
  for await (const lines of lineBatches(input, bytesMax, isJson ? undefined : onCut))
    for (const draft of isJson ? lines.flatMap(line => draftsIn(line, onCut)) : lines) {
      if (typeof draft === 'object' && draft.kind === 'delete') {
        unsaved.add('', room.erase(draft.to))
        continue
      }
      if (typeof draft === 'object' && 'path' in draft) {
        if (draft.kind === 'get') room.fetchFile(draft)
        else unsaved.add('', room.sendFile(draft.path, draft.isRaw))
        continue
      }
      const message = typeof draft === 'string' ? draft : plainTextOf(draft)
      if (message.trim() === '') continue
      unsaved.add(message, room.say(draft))
      if (unsaved.isFull) await unsaved.fallen(1 / 2)
    }
  await unsaved.fallen(0)
}

/** Lines that are not on disk yet. */
class UnsavedLines {
  #lines = 0
  #bytes = 0
  #share = 0
  #wake: (() => void) | undefined

  get isFull(): boolean {
    return this.#lines >= UNSAVED_LINES_MAX || this.#bytes >= UNSAVED_BYTES_MAX
  }

  /** Reports why the line was rejected. Lines that are lost because the chat ends are reported together at its end. */
  add(message: string, saying: Promise<void>): void {
    const bytes = Buffer.byteLength(message)
    this.#lines++
    this.#bytes += bytes
    const settled = (): void => {
      this.#lines--
      this.#bytes -= bytes
      if (!this.#isAbove(this.#share)) this.#wake?.()
    }
    saying.then(settled, error => {
      if (!(error instanceof ChatError && error.code === 'LOG_CLOSED')) warn(errorLine(error))
      settled()
    })
  }

  /** Resolves when the unsaved lines are at most this fraction of the limits. */
  async fallen(share: number): Promise<void> {
    this.#share = share
    while (this.#isAbove(share))
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
  }

  #isAbove(share: number): boolean {
    return this.#lines > share * UNSAVED_LINES_MAX || this.#bytes > share * UNSAVED_BYTES_MAX
  }
}

/** A line of JSON that erases one of the user's lines. */
interface Deletion {
  readonly kind: 'delete'
  readonly to: OwnTarget
}

/** A line of JSON that sends a file. */
interface SentFile {
  readonly kind: 'file'
  readonly path: string
  readonly isRaw: boolean
}

/** A line of JSON that fetches the file of a line, and saves it in the directory `path`. */
export interface FetchedFile {
  readonly kind: 'get'
  readonly to: Target
  readonly path: string
}

type Action = Deletion | SentFile | FetchedFile

/** The messages in a line of JSON; a message that is too long for one entry is split. */
function draftsIn(line: string, onCut: () => void): readonly (Draft | Action | string)[] {
  const draft = draftIn(line)
  if (typeof draft === 'object' && ('path' in draft || draft.kind === 'delete')) return [draft]
  const pieces =
    typeof draft === 'string' ? [...piecesOf(draft, MESSAGE_BYTES_MAX)] : [...piecesOfDraft(draft, MESSAGE_BYTES_MAX)]
  if (pieces.length > 1) onCut()
  return pieces
}

/**
 * The message in a line of JSON: `"…"`, `{"message":"…"}`, or an object with a `kind` and the same members as in the
 * output. Any other line is itself the message.
 */
function draftIn(line: string): Draft | Action | string {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'string') return value
    if (typeof value !== 'object' || value === null) return line
    const { type, message, removed, ...members } = value as Record<string, unknown>
    const kind = members['kind'] ?? type
    if (kind === 'delete') {
      const to = readOwnTarget(members['to'])
      if (to !== undefined) return { kind, to }
    }
    const { path } = members
    if (kind === 'file' && typeof path === 'string') return { kind, path, isRaw: members['raw'] === true }
    if (kind === 'get') {
      const to = readTarget(members['to'])
      if (to !== undefined) return { kind, to, path: typeof path === 'string' ? path : '.' }
    }
    const draft = typeof kind === 'string' && readDraft({ ...members, kind, text: message, isRemoved: removed })
    if (draft) return draft
    return typeof message === 'string' ? message : line
  } catch {
    return line // a plain line
  }
}
