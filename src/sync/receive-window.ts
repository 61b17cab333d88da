/** What may be pending at first: little, so that the first entries are soon on disk. */
export const PENDING_BYTES_MIN = 256 * 1024
/** What may be pending once as much was stored: the disk writes some while the rest is verified. */
export const PENDING_BYTES_MAX = 1024 * 1024

/**
 * Flow control of what one connection brings: reading pauses while more than the window is being stored. The window grows
 * with what was stored, so a peer whose entries are all rejected keeps the smallest one.
 */
export class ReceiveWindow {
  #pendingBytes = 0
  #bytesMax = PENDING_BYTES_MIN
  #paused: { readonly bytesMax: number; readonly resume: () => void } | undefined

  /** These bytes are to be stored. */
  add(bytes: number): void {
    this.#pendingBytes += bytes
  }

  /** These bytes were stored or rejected. */
  remove(bytes: number): void {
    this.#pendingBytes -= bytes
    this.#bytesMax = Math.min(PENDING_BYTES_MAX, this.#bytesMax + bytes)
    this.#check()
  }

  /** Calls `resume` once the window has room. */
  whenOpen(resume: () => void): void {
    this.#pause(this.#bytesMax, resume)
  }

  /** Calls `resume` once nothing is pending. */
  whenEmpty(resume: () => void): void {
    this.#pause(0, resume)
  }

  #pause(bytesMax: number, resume: () => void): void {
    this.#paused = { bytesMax, resume }
    this.#check()
  }

  #check(): void {
    if (this.#paused === undefined || this.#pendingBytes > this.#paused.bytesMax) return
    const { resume } = this.#paused
    this.#paused = undefined
    resume()
  }
}
