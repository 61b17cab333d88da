import { EventEmitter, once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { bytesField, Cutter, frame, utf8, varintField } from './bytes.js'

/** A scuttleup peer: addresses, its handshake, and entries, all in the clear. docs/protocol/compat-scuttleup.md §5.1. */
export class PlainPeer extends EventEmitter<{ open: [] }> {
  readonly #socket: Socket
  readonly #id: string
  readonly #address: string
  readonly #cutter = new Cutter()
  #isOpen = false

  private constructor(socket: Socket, id: string, port: number) {
    super()
    this.#socket = socket
    this.#id = id
    this.#address = `${id}.local:${port}`
    socket.on('error', () => {})
    socket.on('data', bytes => this.#receive(bytes))
    socket.write(frame(utf8(this.#address)))
  }

  static async dial(port: number, id: string): Promise<PlainPeer> {
    const peer = new PlainPeer(connect({ port, host: '127.0.0.1', noDelay: true }), id, 5_000)
    await once(peer, 'open')
    return peer
  }

  /** Sends a line of any author. */
  line(author: string, seq: number, message: string): void {
    const entry = utf8(JSON.stringify({ username: author, message }))
    this.#socket.write(frame(bytesField(1, utf8(author)), varintField(2, seq), bytesField(3, entry)))
  }

  end(): void {
    this.#socket.destroy()
  }

  #receive(bytes: Buffer): void {
    this.#cutter.push(bytes)
    if (this.#isOpen) return
    const theirs = this.#cutter.frame()?.toString()
    if (theirs === undefined) return
    this.#isOpen = true
    if (this.#address > theirs) this.#socket.write(frame(utf8(this.#address)))
    this.#socket.write(frame(bytesField(1, utf8(this.#id)), varintField(3, 1)))
    this.emit('open')
  }
}
