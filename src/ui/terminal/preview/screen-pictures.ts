import type { Message } from '../../../chat/kinds/message.js'
import type { RoomApi } from '../../../node/room-api.js'
import type { ThumbnailFault } from '../../../pictures/decoding/thumbnail.js'
import { type FileMessage, fetchedPicture, isShowable, UNASKED_BYTES_MAX } from '../../fetched-picture.js'
import type { Graphics } from './graphics.js'
import { type Preview, type PreviewSize, previewOf } from './preview.js'

/** Bytes fetched unasked while a room is on the screen, so that nobody fills the disk with pictures. */
const UNASKED_BYTES_IN_ALL_MAX = 64 * 1024 * 1024
/** Largest number of pictures that wait while another one is fetched. Further ones are not shown. */
const WAITING_MAX = 8
/** How long a picture may take until it is shown. */
const SHOWING_MS_MAX = 30_000

export interface ScreenPicturesParts {
  /** undefined: the terminal shows no pictures. */
  readonly graphics: Graphics | undefined
  readonly room: Pick<RoomApi, 'getFile'>
  /** Whether the pictures of the author of a message are shown unasked. */
  readonly isShown: (message: Message) => boolean
  readonly space: () => Omit<PreviewSize, 'graphics'>
  /** Prints a picture, below a caption. */
  readonly print: (preview: Preview, caption: string | undefined) => void
  /** Aborted when the screen is closed. */
  readonly closing: AbortSignal
}

/**
 * Pictures on the screen: those that the user asks for, and those that known people send, as they arrive. Nothing is
 * fetched from strangers unasked.
 */
export class ScreenPictures {
  readonly #parts: ScreenPicturesParts
  readonly #waiting: FileMessage[] = []
  #isShowing = false
  #unaskedBytes = 0

  constructor(parts: ScreenPicturesParts) {
    this.#parts = parts
  }

  /** Shows a picture; resolves with the reason if it cannot be shown. undefined if the terminal shows no pictures. */
  get show():
    | ((bytes: Uint8Array, signal: AbortSignal, caption?: string) => Promise<ThumbnailFault | undefined>)
    | undefined {
    const { graphics } = this.#parts
    if (graphics === undefined) return undefined
    return async (bytes, signal, caption) => {
      const preview = await previewOf(bytes, { graphics, ...this.#parts.space() }, signal)
      if (typeof preview === 'string') return preview
      this.#parts.print(preview, caption)
      return undefined
    }
  }

  /** A message has arrived: shows its picture, after the pictures that wait already. */
  arrived(message: Message): void {
    if (this.#parts.graphics === undefined || message.kind !== 'file' || !isShowable(message)) return
    if (message.size > UNASKED_BYTES_MAX || this.#waiting.length === WAITING_MAX || !this.#parts.isShown(message))
      return
    if (this.#unaskedBytes + message.size > UNASKED_BYTES_IN_ALL_MAX) return
    this.#unaskedBytes += message.size
    this.#waiting.push(message)
    if (!this.#isShowing) void this.#showWaiting()
  }

  async #showWaiting(): Promise<void> {
    const { room, closing } = this.#parts
    this.#isShowing = true
    for (let message = this.#waiting.shift(); message !== undefined; message = this.#waiting.shift()) {
      if (closing.aborted) break
      const signal = AbortSignal.any([closing, AbortSignal.timeout(SHOWING_MS_MAX)])
      try {
        const bytes = await fetchedPicture(room, message, { signal })
        await this.show?.(bytes, signal, `${message.label ?? ''} ${message.name}`.trim())
      } catch {
        // The user can fetch it with /preview, which reports why that fails.
      }
    }
    this.#isShowing = false
  }
}
