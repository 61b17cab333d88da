import { TRANSFER_WINDOW_BYTES } from '../protocol/limits.js'

/** The bytes that a page sends for one request, with a flow-control window: buffers at most TRANSFER_WINDOW_BYTES. */
export class IncomingBytes {
  readonly #length: number
  readonly #grant: (upTo: number) => void
  readonly #signal: AbortSignal
  #pieces: Uint8Array[] = []
  #received = 0
  #read = 0
  #granted: number
  #wake = (): void => {}

  /** Calls `grant` now, and whenever the number grows, with the total number of bytes that the page may send. */
  constructor(length: number, grant: (upTo: number) => void, signal: AbortSignal) {
    this.#length = length
    this.#grant = grant
    this.#signal = signal
    this.#granted = Math.min(length, TRANSFER_WINDOW_BYTES)
    if (length > 0) grant(this.#granted)
    signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  /** False if the page sends more than was granted. */
  push(bytes: Uint8Array): boolean {
    if (this.#received + bytes.length > Math.min(this.#length, this.#granted)) return false
    this.#received += bytes.length
    this.#pieces.push(Uint8Array.from(bytes)) // a copy: `bytes` is a view of a buffer that is reused
    this.#wake()
    return true
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (this.#read < this.#length) {
      this.#signal.throwIfAborted()
      this.#grantMore()
      const pieces = this.#pieces
      this.#pieces = []
      for (const piece of pieces) {
        yield piece
        this.#read += piece.length
      }
      if (this.#read < this.#length && this.#pieces.length === 0 && !this.#signal.aborted && !this.#mayGrant)
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
    }
  }

  /** Whether enough was read for another grant message. */
  get #mayGrant(): boolean {
    return (
      this.#granted < this.#length && this.#read + TRANSFER_WINDOW_BYTES - this.#granted >= TRANSFER_WINDOW_BYTES / 2
    )
  }

  #grantMore(): void {
    if (!this.#mayGrant) return
    this.#granted = Math.min(this.#length, this.#read + TRANSFER_WINDOW_BYTES)
    this.#grant(this.#granted)
  }
}
