/** Parts of an answer that are sent before the face has read the first of them. */
const AHEAD_MAX = 4

/** An answer in parts, at the pace at which the face reads them. */
export class PacedStream {
  readonly ended = new AbortController()
  #credit = AHEAD_MAX
  #wake: () => void = () => {}

  /** Resolves when another part may be sent. False: the face reads no more of them. */
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
