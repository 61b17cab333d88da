/** Parts of an answer that are sent before the face has read the first one. */
const AHEAD_MAX = 4

/** Flow control for an answer in parts: they are sent as fast as the face reads them. */
export class PacedStream {
  readonly ended = new AbortController()
  #credit = AHEAD_MAX
  #wake: () => void = () => {}

  /** Resolves when another part may be sent; false if the face has stopped reading. */
  async mayContinue(): Promise<boolean> {
    while (this.#credit === 0 && !this.ended.signal.aborted)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    this.#credit--
    return !this.ended.signal.aborted
  }

  more(): void {
    this.#credit = Math.min(AHEAD_MAX, this.#credit + 1)
    this.#wake()
  }

  stop(): void {
    this.ended.abort()
    this.#wake()
  }
}
