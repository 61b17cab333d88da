import { AHEAD_BYTES_MAX } from '../protocol/limits.js'

/** Flow control for an answer in parts: parts are sent as fast as the face reads them. */
export class PacedStream {
  readonly ended = new AbortController()
  #ahead = 0
  #wake: () => void = () => {}

  /** Resolves when a part of `bytes` may be sent; false if the face has stopped reading. */
  async mayContinue(bytes: number): Promise<boolean> {
    while (this.#ahead >= AHEAD_BYTES_MAX && !this.ended.signal.aborted)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    this.#ahead += bytes
    return !this.ended.signal.aborted
  }

  /** The face has read this many more bytes. */
  more(bytes: number): void {
    this.#ahead = Math.max(0, this.#ahead - bytes)
    this.#wake()
  }

  stop(): void {
    this.ended.abort()
    this.#wake()
  }
}
