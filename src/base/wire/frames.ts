import { concat, EMPTY, readVarint, varint } from './bytes.js'

/** Largest body of one frame. Bounds how much memory a peer can occupy before its bytes are checked. */
export const FRAME_BYTES_MAX = 256 * 1024

export type FrameRead =
  | { readonly kind: 'frame'; readonly body: Uint8Array }
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly reason: 'frame-too-long' | 'empty-frame' }

/** Small chunks are joined up to this size, so that a frame that arrives byte by byte is buffered in dozens of chunks, not thousands. */
const CHUNK_BYTES_MIN = 4096

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
  #chunks: Uint8Array[] = []
  #buffered = 0
  #needed = 1

  constructor(bodyBytesMax: number, { hasHeartbeats = true }: { readonly hasHeartbeats?: boolean } = {}) {
    this.#bodyBytesMax = bodyBytesMax
    this.#hasHeartbeats = hasHeartbeats
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#chunks.push(bytes)
    this.#buffered += bytes.length
    for (;;) {
      const [before, last] = this.#chunks.slice(-2)
      if (before === undefined || last === undefined || last.length >= CHUNK_BYTES_MIN || before.length > last.length)
        return
      this.#chunks.splice(-2, 2, concat([before, last]))
    }
  }

  /** Whether part of a frame is buffered. */
  get isMidFrame(): boolean {
    return this.#buffered > 0
  }

  /** The next complete frame. Its body may be a view of a pushed chunk. */
  next(): FrameRead {
    for (;;) {
      if (this.#buffered < this.#needed) return { kind: 'more' }
      const bytes = this.#join()
      const length = readVarint(bytes, 0, this.#bodyBytesMax)
      if (length.kind === 'bad') return { kind: 'bad', reason: 'frame-too-long' }
      if (length.kind === 'value' && length.value === 0 && !this.#hasHeartbeats)
        return { kind: 'bad', reason: 'empty-frame' }
      if (length.kind === 'more') {
        this.#needed = bytes.length + 1
        return { kind: 'more' }
      }
      const end = length.next + length.value
      if (bytes.length < end) {
        this.#needed = end
        return { kind: 'more' }
      }
      this.#keep(bytes.subarray(end))
      if (length.value > 0) return { kind: 'frame', body: bytes.subarray(length.next, end) }
    }
  }

  /** Removes and returns the unread bytes. */
  rest(): Uint8Array {
    const bytes = this.#join()
    this.#keep(EMPTY)
    return bytes
  }

  #join(): Uint8Array {
    const bytes = this.#chunks.length === 0 ? EMPTY : concat(this.#chunks)
    this.#chunks = bytes.length === 0 ? [] : [bytes]
    return bytes
  }

  #keep(bytes: Uint8Array): void {
    this.#chunks = bytes.length === 0 ? [] : [bytes]
    this.#buffered = bytes.length
    this.#needed = 1
  }
}
