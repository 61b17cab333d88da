import { bufferOf, EMPTY, readVarint, textOf } from './bytes.js'

/**
 * Reads consecutive values from untrusted bytes. It never throws and never reads past the end: the first malformed or incomplete
 * value makes the reader bad, and from then on every read returns 0 or no bytes. So a decoder reads all its values first and checks
 * once, with `end` or `isBad`, whether they are valid.
 */
export class ByteReader {
  readonly #bytes: Buffer
  #offset = 0
  #isBad = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bufferOf(bytes)
  }

  /** Whether a value was malformed or incomplete. */
  get isBad(): boolean {
    return this.#isBad
  }

  /** Number of unread bytes; 0 once the reader is bad, so that a loop over them ends. */
  get remaining(): number {
    return this.#isBad ? 0 : this.#bytes.length - this.#offset
  }

  u8(): number {
    const offset = this.#advance(1)
    return offset === undefined ? 0 : this.#bytes.readUInt8(offset)
  }

  /** Big-endian, like all fixed-width numbers of the protocol. */
  u16(): number {
    const offset = this.#advance(2)
    return offset === undefined ? 0 : this.#bytes.readUInt16BE(offset)
  }

  u32(): number {
    const offset = this.#advance(4)
    return offset === undefined ? 0 : this.#bytes.readUInt32BE(offset)
  }

  /** An unsigned LEB128 varint; bad above `max`. */
  varint(max: number = Number.MAX_SAFE_INTEGER): number {
    if (this.#isBad) return 0
    const varint = readVarint(this.#bytes, this.#offset, max)
    if (varint.kind !== 'value') return this.fail()
    this.#offset = varint.next
    return varint.value
  }

  /** The next `length` bytes, as a view. */
  bytes(length: number): Uint8Array {
    const offset = this.#advance(length)
    return offset === undefined ? EMPTY : this.#bytes.subarray(offset, offset + length)
  }

  /** Bytes prefixed with their length as a varint, as a view; bad above `lengthMax`. */
  sized(lengthMax: number): Uint8Array {
    return this.bytes(this.varint(lengthMax))
  }

  /** The next `length` bytes as text; ill-formed UTF-8 is bad. */
  text(length: number): string {
    return textOf(this.bytes(length)) ?? this.#failText()
  }

  /** All unread bytes, as a view. */
  rest(): Uint8Array {
    return this.bytes(this.remaining)
  }

  /** Makes the reader bad: for a value that is well-formed but not allowed. */
  fail(): 0 {
    this.#isBad = true
    return 0
  }

  /** `value` if every read succeeded and nothing is left over; undefined otherwise. */
  end<T>(value: T): T | undefined {
    return this.#isBad || this.#offset < this.#bytes.length ? undefined : value
  }

  #failText(): string {
    this.fail()
    return ''
  }

  /** Advances by `length` bytes and returns the offset before them; undefined if there are fewer. */
  #advance(length: number): number | undefined {
    if (this.#isBad || length > this.#bytes.length - this.#offset) {
      this.fail()
      return undefined
    }
    const offset = this.#offset
    this.#offset += length
    return offset
  }
}
