import type { RawData, WebSocket } from 'ws'
import type { Clock } from '../../../base/clock.js'
import { encodeChunk, parseChunk } from '../protocol/bytes.js'
import { CLOSE, TOKEN_MS_MAX, WEB_PROTOCOL_VERSION } from '../protocol/limits.js'
import { parseHello, parseRequest, type Request, type ServerMessage } from '../protocol/messages.js'
import { isSameSecret } from './token.js'

/** Bytes queued for a page. While there are more, the server reads nothing from the page, and drops events instead of queueing them. */
const QUEUE_BYTES_MAX = 4 * 1024 * 1024

/** What a page does. */
export interface PageHandlers {
  request(request: Request): void
  /** Bytes of an upload. False if there is no such upload, or the page was not granted that many bytes. */
  chunk(id: number, bytes: Uint8Array): boolean
  closed(): void
}

export interface PageSocketParts {
  readonly token: string
  readonly clock: Clock
  /** The page has proven the token. Returns undefined if there are too many pages. */
  readonly onProven: (page: PageSocket) => PageHandlers | undefined
}

/** The connection of one page: waits for the token, then passes requests on. A malformed message ends this connection only. */
export class PageSocket {
  readonly #socket: WebSocket
  readonly #parts: PageSocketParts
  readonly #cancelWait: () => void
  #handlers: PageHandlers | undefined
  /** Whether events were dropped since the queue was last empty. */
  #hasSkipped = false
  #isClosed = false

  constructor(socket: WebSocket, parts: PageSocketParts) {
    this.#socket = socket
    this.#parts = parts
    this.#cancelWait = parts.clock.after(TOKEN_MS_MAX, () => this.#hello(''))
    socket.on('message', (data, isBinary) => this.#receive(bytesOf(data), isBinary))
    socket.once('close', () => this.#closed())
  }

  /** Sends an answer to a request; never dropped. */
  answer(message: ServerMessage): void {
    this.#write(JSON.stringify(message))
  }

  /** Sends an event, or drops it if the queue is full. A page that reads again is told once that events were dropped. */
  event(message: ServerMessage): void {
    if (this.#isFull) this.#hasSkipped = true
    else this.#write(JSON.stringify(message))
  }

  /** Sends bytes of the answer to a request; resolves when they are written. */
  bytes(id: number, bytes: Uint8Array): Promise<void> {
    return new Promise(resolve => this.#write(encodeChunk({ id, bytes }), resolve))
  }

  close(code: number): void {
    if (this.#isClosed) return
    this.#closed()
    this.#socket.close(code)
    // Does not wait for the page to answer the close.
    this.#parts.clock.after(TOKEN_MS_MAX, () => this.#socket.terminate())
  }

  get #isFull(): boolean {
    return this.#socket.bufferedAmount > QUEUE_BYTES_MAX
  }

  #receive(data: Uint8Array, isBinary: boolean): void {
    if (this.#isClosed) return
    if (this.#handlers === undefined) {
      this.#hello(isBinary ? '' : textOf(data))
    } else if (isBinary) {
      const chunk = parseChunk(data)
      if (chunk === undefined || !this.#handlers.chunk(chunk.id, chunk.bytes)) this.close(CLOSE.malformed)
    } else {
      const request = parseRequest(textOf(data))
      if (request === undefined) this.close(CLOSE.malformed)
      else this.#handlers.request(request)
    }
  }

  /** The first message; empty if none arrived in time. */
  #hello(message: string): void {
    if (this.#handlers !== undefined || this.#isClosed) return
    this.#cancelWait()
    const hello = parseHello(message)
    if (hello === undefined || !isSameSecret(hello.token, this.#parts.token)) this.close(CLOSE.refused)
    else if (hello.version !== WEB_PROTOCOL_VERSION) this.close(CLOSE.otherVersion)
    else {
      this.#handlers = this.#parts.onProven(this)
      if (this.#handlers === undefined) this.close(CLOSE.tooMany)
    }
  }

  #write(data: string | Uint8Array, onWritten: () => void = () => {}): void {
    if (this.#isClosed) onWritten()
    else
      this.#socket.send(data, () => {
        onWritten()
        this.#drained()
      })
    if (!this.#isClosed && this.#isFull) this.#socket.pause()
  }

  #drained(): void {
    if (this.#isClosed || this.#isFull) return
    if (this.#socket.isPaused) this.#socket.resume()
    if (!this.#hasSkipped) return
    this.#hasSkipped = false
    this.#write(JSON.stringify({ kind: 'resync' } satisfies ServerMessage))
  }

  #closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelWait()
    this.#handlers?.closed()
  }
}

const textOf = (data: Uint8Array): string => Buffer.from(data.buffer, data.byteOffset, data.length).toString('utf8')

const bytesOf = (data: RawData): Uint8Array =>
  Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? new Uint8Array(data) : data
