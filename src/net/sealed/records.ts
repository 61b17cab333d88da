import { OpeningStream, SEAL_BYTES, SealingStream, STREAM_HEADER_BYTES } from '../../base/crypto/secret-stream.js'
import { ByteQueue } from '../../base/wire/byte-queue.js'
import { EMPTY } from '../../base/wire/bytes.js'

const LENGTH_BYTES = 2

/** Bytes that a record adds to its text. */
export const RECORD_OVERHEAD_BYTES = LENGTH_BYTES + SEAL_BYTES

/** Longest sealed message of one record, with the header in the first one of a direction: its length has 16 bits. */
const RECORD_BODY_MAX = 0xffff

/**
 * Seals one direction of a connection into records: u16 length ‖ sealed message, and in the first record the header of the stream
 * before the message. docs/protocol/wire.md §2.3.
 */
export class RecordSealer {
  readonly #stream: SealingStream
  /** Undefined once it is sent. */
  #header: Uint8Array | undefined

  /** `header` is STREAM_HEADER_BYTES of randomness. */
  constructor(key: Uint8Array, header: Uint8Array) {
    this.#stream = new SealingStream(key, header)
    this.#header = header
  }

  /** The record of `text`, or several if it is too long for one. The final record ends the direction. */
  seal(text: Uint8Array, isFinal = false): Buffer {
    const header = this.#header ?? EMPTY
    this.#header = undefined
    // A whole segment fits into two records without the header, and would otherwise need a third one for its last bytes.
    const textMax = RECORD_BODY_MAX - SEAL_BYTES - header.length
    const count = Math.max(1, Math.ceil(text.length / textMax))
    const records = Buffer.allocUnsafeSlow(header.length + text.length + count * RECORD_OVERHEAD_BYTES)
    let end = 0
    for (let from = 0, left = count; left > 0; from += textMax, left--) {
      const part = text.subarray(from, from + textMax)
      const start = end + LENGTH_BYTES + (from === 0 ? header.length : 0)
      if (from === 0) records.set(header, LENGTH_BYTES)
      records.writeUInt16BE(start - end - LENGTH_BYTES + part.length + SEAL_BYTES, end)
      end = start + part.length + SEAL_BYTES
      this.#stream.seal(records.subarray(start, end), part, isFinal && left === 1)
    }
    return records
  }
}

export type RecordRead =
  /** `isFinal`: the other side has ended its direction. */
  | { readonly kind: 'record'; readonly text: Uint8Array; readonly isFinal: boolean }
  | { readonly kind: 'more' }
  /** Not the next record of the other side: changed, repeated, omitted, reordered or forged. */
  | { readonly kind: 'bad' }

/** Opens the records of one direction. Buffers at most one record and the bytes pushed last. */
export class RecordOpener {
  readonly #key: Uint8Array
  readonly #queue = new ByteQueue()
  #stream: OpeningStream | undefined
  #needed = LENGTH_BYTES
  #isOver = false

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** Whether the final record was read, or a bad one. */
  get isOver(): boolean {
    return this.#isOver
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes)
  }

  /** The next record, of at most `bytesMax`. After a bad record everything is bad, and so is anything after the final one. */
  next(bytesMax = RECORD_BODY_MAX): RecordRead {
    if (this.#isOver) return { kind: this.#queue.length > 0 ? 'bad' : 'more' }
    if (this.#queue.length < this.#needed) return { kind: 'more' }
    const [high = 0, low = 0] = this.#queue.peek(LENGTH_BYTES)
    const length = (high << 8) | low
    const headerBytes = this.#stream === undefined ? STREAM_HEADER_BYTES : 0
    if (length > bytesMax || length < headerBytes + SEAL_BYTES) return this.#fail()
    const end = LENGTH_BYTES + length
    this.#needed = end
    if (this.#queue.length < end) return { kind: 'more' }
    const bytes = this.#queue.takeCopy(end)
    const start = LENGTH_BYTES + headerBytes
    this.#stream ??= new OpeningStream(this.#key, bytes.subarray(LENGTH_BYTES, start))
    const opened = this.#stream.open(bytes.subarray(start))
    if (opened === undefined) return this.#fail()
    this.#needed = LENGTH_BYTES
    this.#isOver = opened.isFinal
    return { kind: 'record', text: opened.message, isFinal: opened.isFinal }
  }

  #fail(): RecordRead {
    this.#isOver = true
    return { kind: 'bad' }
  }
}

/** The sealed directions of a connection, after its handshake. */
export interface Records {
  readonly sealer: RecordSealer
  /** Contains the bytes that arrived after the handshake. */
  readonly opener: RecordOpener
}
