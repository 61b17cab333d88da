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
    this.#length += bytes.length
    const previous = this.#chunks.at(-1)
    if (previous !== undefined && isFollowedBy(previous, bytes)) {
      this.#chunks[this.#chunks.length - 1] = Buffer.from(
        previous.buffer,
        previous.byteOffset,
        previous.length + bytes.length,
      )
      return
    }
    this.#chunks.push(bytes)
    for (;;) {
      const [before, last] = this.#chunks.slice(-2)
      if (before === undefined || last === undefined || last.length >= CHUNK_BYTES_MIN || before.length > last.length)
        return
      this.#chunks.splice(-2, 2, concat([before, last]))
    }
  }

  /** At least the first `count` bytes, or all if there are fewer. They stay in the queue. */
  peek(count: number): Uint8Array {
    const [first = EMPTY] = this.#chunks
    if (first.length >= count || this.#chunks.length < 2) return first
    const parts: Uint8Array[] = []
    for (let at = 0, left = count; left > 0 && at < this.#chunks.length; at++) {
      const part = (this.#chunks[at] as Uint8Array).subarray(0, left)
      parts.push(part)
      left -= part.length
    }
    return concat(parts)
  }

  /** Removes and returns the first `count` bytes, which must be there. Copies them only if they are in several chunks. */
  take(count: number): Uint8Array {
    const parts = this.#takeParts(count)
    return parts.length === 0 ? EMPTY : concat(parts)
  }

  /** Like `take`, but copies into `scratch`, which must be large enough. The result is valid until `scratch` is used again. */
  takeBriefly(count: number, scratch: Buffer): Uint8Array {
    const parts = this.#takeParts(count)
    const [only] = parts
    if (only !== undefined && parts.length === 1) return only
    let end = 0
    for (const part of parts) {
      scratch.set(part, end)
      end += part.length
    }
    return scratch.subarray(0, end)
  }

  /** Removes the first `count` bytes, which must be there. */
  skip(count: number): void {
    const [first] = this.#chunks
    if (first !== undefined && first.length > count) {
      this.#chunks[0] = first.subarray(count)
      this.#length -= count
    } else this.#takeParts(count)
  }

  #takeParts(count: number): Uint8Array[] {
    const parts: Uint8Array[] = []
    for (let left = count; left > 0; ) {
      const chunk = this.#chunks[0] as Uint8Array
      parts.push(chunk.subarray(0, left))
      if (chunk.length > left) this.#chunks[0] = chunk.subarray(left)
      else this.#chunks.shift()
      left -= Math.min(left, chunk.length)
    }
    this.#length -= count
    return parts
  }
}

/** Whether `next` directly follows `bytes` in memory, so that both are one chunk. */
const isFollowedBy = (bytes: Uint8Array, next: Uint8Array): boolean =>
  bytes.buffer === next.buffer && bytes.byteOffset + bytes.length === next.byteOffset
