import { ByteQueue } from './byte-queue.js'
import { concat, readVarint, VARINT_BYTES_MAX, varint } from './bytes.js'

/** Largest body of one frame. Bounds how much memory a peer can occupy before its bytes are checked. */
export const FRAME_BYTES_MAX = 256 * 1024

export type FrameRead =
  | { readonly kind: 'frame'; readonly body: Uint8Array }
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly reason: 'frame-too-long' | 'empty-frame' }

/** The bytes of one frame: a varint length, then the body. docs/protocol/wire.md §2. */
export const frame = (body: Uint8Array): Uint8Array => concat([varint(body.length), body])

/**
 * Splits a stream of bytes into length-prefixed frames. Frames of length zero are heartbeats, which are skipped; with
 * `hasHeartbeats: false`, as in files, they are bad.
 * Buffers at most one incomplete frame: up to `bodyBytesMax` plus the chunk pushed last.
 */
export class FrameReader {
  readonly #bodyBytesMax: number
  readonly #hasHeartbeats: boolean
  readonly #queue = new ByteQueue()
  #needed = 1

  constructor(bodyBytesMax: number, { hasHeartbeats = true }: { readonly hasHeartbeats?: boolean } = {}) {
    this.#bodyBytesMax = bodyBytesMax
    this.#hasHeartbeats = hasHeartbeats
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes)
  }

  /** Whether part of a frame is buffered. */
  get isMidFrame(): boolean {
    return this.#queue.length > 0
  }

  /** The next complete frame. Its body may be a view of a pushed chunk. */
  next(): FrameRead {
    for (;;) {
      if (this.#queue.length < this.#needed) return { kind: 'more' }
      const start = this.#queue.peek(VARINT_BYTES_MAX)
      const length = readVarint(start, 0, this.#bodyBytesMax)
      if (length.kind === 'bad') return { kind: 'bad', reason: 'frame-too-long' }
      if (length.kind === 'value' && length.value === 0 && !this.#hasHeartbeats)
        return { kind: 'bad', reason: 'empty-frame' }
      if (length.kind === 'more') {
        this.#needed = start.length + 1
        return { kind: 'more' }
      }
      const end = length.next + length.value
      if (this.#queue.length < end) {
        this.#needed = end
        return { kind: 'more' }
      }
      this.#needed = 1
      this.#queue.skip(length.next)
      if (length.value > 0) return { kind: 'frame', body: this.#queue.take(length.value) }
    }
  }

  /** Removes and returns the unread bytes. */
  rest(): Uint8Array {
    this.#needed = 1
    return this.#queue.take(this.#queue.length)
  }
}
