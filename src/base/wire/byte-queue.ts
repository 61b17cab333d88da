import { concat, EMPTY } from './bytes.js'

/** Small chunks are joined up to this size, so that bytes that arrive one by one are buffered in dozens of chunks, not thousands. */
const CHUNK_BYTES_MIN = 4096

/** Received bytes that wait to be read. */
export class ByteQueue {
  #chunks: Uint8Array[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#chunks.push(bytes)
    this.#length += bytes.length
    for (;;) {
      const [before, last] = this.#chunks.slice(-2)
      if (before === undefined || last === undefined || last.length >= CHUNK_BYTES_MIN || before.length > last.length)
        return
      this.#chunks.splice(-2, 2, concat([before, last]))
    }
  }

  /** All bytes as one chunk, which stay in the queue. May be a view of a pushed chunk. */
  join(): Uint8Array {
    const bytes = this.#chunks.length === 0 ? EMPTY : concat(this.#chunks)
    this.#chunks = bytes.length === 0 ? [] : [bytes]
    return bytes
  }

  /** Removes the first bytes. */
  drop(count: number): void {
    const rest = this.join().subarray(count)
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#length = rest.length
  }
}
