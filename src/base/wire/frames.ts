import { concat, EMPTY, readVarint, varint } from './bytes.js'

/** Body of one frame. Bounds how much memory a peer can occupy before its bytes are checked. */
export const FRAME_BYTES_MAX = 256 * 1024

export type FrameRead =
  | { readonly kind: 'frame'; readonly body: Uint8Array }
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly reason: string }

/** Parts of a frame are joined up to this size: one that comes byte by byte is held in some dozens, not in a quarter million. */
const PART_BYTES = 4096

/** The bytes of one frame: a varint length, then the body. PROTOCOL.md §2. */
export const frame = (body: Uint8Array): Uint8Array => concat([varint(body.length), body])

/**
 * Cuts a stream of bytes into length-prefixed frames. Frames of length zero are heartbeats and skipped. A file
 * has none: with `hasHeartbeats: false` they are bad.
 * Holds at most one incomplete frame, so at most `bodyBytesMax` and what was pushed last.
 */
export class FrameReader {
  readonly #bodyBytesMax: number
  readonly #hasHeartbeats: boolean
  #parts: Uint8Array[] = []
  #held = 0
  #needed = 1

  constructor(bodyBytesMax: number, { hasHeartbeats = true }: { readonly hasHeartbeats?: boolean } = {}) {
    this.#bodyBytesMax = bodyBytesMax
    this.#hasHeartbeats = hasHeartbeats
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#parts.push(bytes)
    this.#held += bytes.length
    for (;;) {
      const [before, last] = this.#parts.slice(-2)
      if (before === undefined || last === undefined || last.length >= PART_BYTES || before.length > last.length) return
      this.#parts.splice(-2, 2, concat([before, last]))
    }
  }

  /** Whether part of a frame is held. */
  get isMidFrame(): boolean {
    return this.#held > 0
  }

  /** The next whole frame. Its body is a view of what was pushed. */
  next(): FrameRead {
    for (;;) {
      if (this.#held < this.#needed) return { kind: 'more' }
      const bytes = this.#gather()
      const length = readVarint(bytes, 0, this.#bodyBytesMax)
      if (length.kind === 'bad') return { kind: 'bad', reason: `a frame of over ${this.#bodyBytesMax} bytes` }
      if (length.kind === 'value' && length.value === 0 && !this.#hasHeartbeats)
        return { kind: 'bad', reason: 'a frame of no bytes' }
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

  /** Takes out what is left unread. */
  rest(): Uint8Array {
    const bytes = this.#gather()
    this.#keep(EMPTY)
    return bytes
  }

  #gather(): Uint8Array {
    const bytes = this.#parts.length === 0 ? EMPTY : concat(this.#parts)
    this.#parts = bytes.length === 0 ? [] : [bytes]
    return bytes
  }

  #keep(bytes: Uint8Array): void {
    this.#parts = bytes.length === 0 ? [] : [bytes]
    this.#held = bytes.length
    this.#needed = 1
  }
}
