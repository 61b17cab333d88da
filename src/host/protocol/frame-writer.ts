import type { Duplex } from 'node:stream'
import { varint } from '../../base/wire/bytes.js'

/**
 * Writes frames to a socket. The frames of one turn are written with one system call, because each call wakes the other
 * process.
 */
export class FrameWriter {
  readonly #socket: Duplex
  #isCorked = false

  constructor(socket: Duplex) {
    this.#socket = socket
  }

  write(body: Uint8Array): void {
    const socket = this.#socket
    if (socket.destroyed) return
    if (!this.#isCorked) {
      this.#isCorked = true
      socket.cork()
      process.nextTick(() => {
        this.#isCorked = false
        socket.uncork()
      })
    }
    socket.write(varint(body.length))
    socket.write(body)
  }
}
