import {
  OpeningStream,
  SEAL_BYTES,
  SealingStream,
  STREAM_HEADER_BYTES,
  TAG_BYTES,
} from '../../base/crypto/secret-stream.js'
import { ByteQueue } from '../../base/wire/byte-queue.js'
import { bufferOf, EMPTY } from '../../base/wire/bytes.js'

const LENGTH_BYTES = 2

/** Bytes that a record adds to its text. */
export const RECORD_OVERHEAD_BYTES = LENGTH_BYTES + SEAL_BYTES

/** Longest body of a record: the sealed message and, in the first record of a direction, the header. Its length has 16 bits. */
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
    return this.sealAll([text], isFinal)
  }

  /** Like `seal`, for a text in parts. */
  sealAll(parts: readonly Uint8Array[], isFinal = false): Buffer {
    let left = 0
    for (const { length } of parts) left += length
    const header = this.#header ?? EMPTY
    this.#header = undefined
    // Without the header a whole segment fits into two records. With it, the last bytes of the segment would need a third record.
    const textMax = RECORD_BODY_MAX - SEAL_BYTES - header.length
    const count = Math.max(1, Math.ceil(left / textMax))
    const records = Buffer.allocUnsafeSlow(header.length + left + count * RECORD_OVERHEAD_BYTES)
    const copier = new PartCopier(parts)
    let end = 0
    for (let record = 1; record <= count; record++) {
      const start = end + LENGTH_BYTES + (record === 1 ? header.length : 0)
      if (record === 1) records.set(header, LENGTH_BYTES)
      const length = Math.min(left, textMax)
      records.writeUInt16BE(start - end - LENGTH_BYTES + length + SEAL_BYTES, end)
      const text = records.subarray(start + TAG_BYTES, start + TAG_BYTES + length)
      copier.copyTo(text)
      end = start + length + SEAL_BYTES
      this.#stream.seal(records.subarray(start, end), text, isFinal && record === count)
      left -= length
    }
    return records
  }
}

/** Copies parts into consecutive buffers, which need not end where a part ends. */
class PartCopier {
  readonly #parts: readonly Uint8Array[]
  #index = 0
  #offset = 0

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts
  }

  /** Fills `target`. */
  copyTo(target: Uint8Array): void {
    for (let end = 0; end < target.length; ) {
      const part = this.#parts[this.#index] as Uint8Array
      const bytes = part.subarray(this.#offset, this.#offset + target.length - end)
      target.set(bytes, end)
      end += bytes.length
      this.#offset += bytes.length
      if (this.#offset < part.length) continue
      this.#index++
      this.#offset = 0
    }
  }
}

export type RecordRead =
  /** `isFinal`: the other side has ended its direction. */
  | { readonly kind: 'record'; readonly text: Uint8Array; readonly isFinal: boolean }
  | { readonly kind: 'more' }
  /** Not the next record of the other side: changed, repeated, omitted, reordered or forged. */
  | { readonly kind: 'bad' }

/** One sealed record, while it is opened. */
const scratch = Buffer.allocUnsafeSlow(LENGTH_BYTES + RECORD_BODY_MAX)
/** Size of a buffer for plaintexts: several records fit, each with one segment. */
const TEXTS_BYTES = 512 * 1024
/** Plaintexts of at least this size share one of these buffers. */
const LONG_TEXT_BYTES = 16 * 1024

/** Opens the records of one direction. Buffers at most one record and the bytes pushed last. */
export class RecordOpener {
  readonly #key: Uint8Array
  readonly #queue = new ByteQueue()
  /** Buffer in which plaintexts are placed back to back, so that a frame that spans several records is contiguous. */
  #texts: Buffer | undefined
  #textsEnd = 0
  #stream: OpeningStream | undefined
  #needed = LENGTH_BYTES
  #isOver = false

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** Whether the final record or a bad record was read. */
  get isOver(): boolean {
    return this.#isOver
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes)
  }

  /** The next record, of at most `bytesMax`. After a bad record, and after the final record, every further record is bad. */
  next(bytesMax = RECORD_BODY_MAX): RecordRead {
    if (this.#isOver) return { kind: this.#queue.length > 0 ? 'bad' : 'more' }
    // An idle connection keeps no buffer.
    if (this.#queue.length === 0) this.#texts = undefined
    if (this.#queue.length < this.#needed) return { kind: 'more' }
    const [high = 0, low = 0] = this.#queue.peek(LENGTH_BYTES)
    const length = (high << 8) | low
    const headerBytes = this.#stream === undefined ? STREAM_HEADER_BYTES : 0
    if (length > bytesMax || length < headerBytes + SEAL_BYTES) return this.#fail()
    const end = LENGTH_BYTES + length
    this.#needed = end
    if (this.#queue.length < end) return { kind: 'more' }
    const bytes = bufferOf(this.#queue.takeBriefly(end, scratch))
    const start = LENGTH_BYTES + headerBytes
    this.#stream ??= new OpeningStream(this.#key, bytes.subarray(LENGTH_BYTES, start))
    const text = this.#spaceFor(length - headerBytes - SEAL_BYTES)
    const opened = this.#stream.open(bytes.subarray(start), text)
    if (opened === undefined) return this.#fail()
    this.#needed = LENGTH_BYTES
    this.#isOver = opened.isFinal
    return { kind: 'record', text, isFinal: opened.isFinal }
  }

  #spaceFor(bytes: number): Buffer {
    if (this.#texts === undefined || this.#textsEnd + bytes > this.#texts.length) {
      this.#texts = bytes < LONG_TEXT_BYTES ? undefined : Buffer.allocUnsafeSlow(TEXTS_BYTES)
      this.#textsEnd = 0
    }
    if (this.#texts === undefined) return Buffer.allocUnsafeSlow(bytes)
    const start = this.#textsEnd
    this.#textsEnd += bytes
    return this.#texts.subarray(start, this.#textsEnd)
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
