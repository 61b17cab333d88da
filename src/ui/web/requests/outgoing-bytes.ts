import { CHUNK_BYTES_MAX, TRANSFER_WINDOW_BYTES } from '../protocol/limits.js'

/** The bytes of the answer to one request, sent as far as the page has granted them. */
export class OutgoingBytes {
  readonly #write: (bytes: Uint8Array) => Promise<void>
  readonly #signal: AbortSignal
  #granted = TRANSFER_WINDOW_BYTES
  #sent = 0
  #wake = (): void => {}

  /** `write` resolves when the socket has accepted the bytes. */
  constructor(write: (bytes: Uint8Array) => Promise<void>, signal: AbortSignal) {
    this.#write = write
    this.#signal = signal
    signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  grant(bytes: number): void {
    this.#granted += bytes
    this.#wake()
  }

  /** Rejects with the reason of the signal. */
  async send(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const piece of bytes)
      for (let at = 0; at < piece.length; at += CHUNK_BYTES_MAX)
        await this.#sendOne(piece.subarray(at, at + CHUNK_BYTES_MAX))
  }

  async #sendOne(chunk: Uint8Array): Promise<void> {
    while (this.#sent + chunk.length > this.#granted && !this.#signal.aborted)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    this.#signal.throwIfAborted()
    this.#sent += chunk.length
    await this.#write(chunk)
  }
}
