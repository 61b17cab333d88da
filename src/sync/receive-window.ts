/** The window at first: small, so that the first entries reach the disk soon. */
export const PENDING_BYTES_MIN = 256 * 1024
/** The largest window: room for entries to be verified while others are written. */
export const PENDING_BYTES_MAX = 1024 * 1024

/**
 * Flow control of one connection's input: reading pauses while more bytes than the window are pending. The window grows by every
 * byte that was stored or rejected.
 */
export class ReceiveWindow {
  #pendingBytes = 0
  #bytesMax = PENDING_BYTES_MIN
  #paused: { readonly bytesMax: number; readonly resume: () => void } | undefined

  /** These bytes arrived and are pending. */
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
