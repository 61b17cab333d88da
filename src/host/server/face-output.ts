import type { Duplex } from 'node:stream'
import { jsonBody } from '../protocol/codec.js'
import { FrameWriter } from '../protocol/frame-writer.js'

/** A face with more unread bytes than this gets only what it has requested; a `resync` replaces everything else. */
const UNREAD_BYTES_MAX = 1024 * 1024

/** The frames that a node sends to one face. */
export class FaceOutput {
  readonly #socket: Duplex
  readonly #writer: FrameWriter
  /** Whether notices were omitted because the face did not read. */
  #needsResync = false
  #isClosed = false

  constructor(socket: Duplex) {
    this.#socket = socket.setMaxListeners(0) // each stream waits for 'drain' here
    this.#writer = new FrameWriter(socket)
  }

  get isUnread(): boolean {
    return this.#socket.writableLength > UNREAD_BYTES_MAX
  }

  close(): void {
    this.#isClosed = true
  }

  send(value: object): void {
    this.write(jsonBody(value))
  }

  write(body: Uint8Array): void {
    if (!this.#isClosed) this.#writer.write(body)
  }

  /** Whether a notice may be sent. If not, a `resync` is sent later. */
  mayNotify(): boolean {
    this.#needsResync ||= this.isUnread
    return !this.isUnread
  }

  /** Sends a `resync` if notices were omitted. Returns whether it was sent. */
  resync(): boolean {
    const isOwed = this.#needsResync
    this.#needsResync = false
    if (isOwed) this.send({ is: 'resync' })
    return isOwed
  }

  /** Resolves when the face has read enough or is gone. */
  async drained(): Promise<void> {
    if (!this.isUnread || this.#socket.destroyed) return
    await new Promise<void>(resolve => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done)
        resolve()
      }
      this.#socket.on('drain', done).on('close', done)
    })
  }
}
