import { concat, utf8, varint } from './bytes.js'

/** Collects the values of one message, encoded as `ByteReader` reads them. Byte strings are copied once, by `finish` or `frame`. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = []
  #length = 0

  u8(value: number): this {
    return this.bytes(Uint8Array.of(value))
  }

  /** Big-endian. Throws RangeError for a number that does not fit, which is a bug in the caller. */
  u16(value: number): this {
    const bytes = Buffer.alloc(2)
    bytes.writeUInt16BE(value)
    return this.bytes(bytes)
  }

  u32(value: number): this {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return this.bytes(bytes)
  }

  varint(value: number): this {
    return this.bytes(varint(value))
  }

  bytes(bytes: Uint8Array): this {
    this.#parts.push(bytes)
    this.#length += bytes.length
    return this
  }

  /** Bytes prefixed with their length as a varint. */
  sized(bytes: Uint8Array): this {
    return this.varint(bytes.length).bytes(bytes)
  }

  text(text: string): this {
    return this.bytes(utf8(text))
  }

  finish(): Uint8Array {
    return concat(this.#parts)
  }

  /** The message as one frame: prefixed with its length as a varint. */
  frame(): Uint8Array {
    return concat([varint(this.#length), ...this.#parts])
  }
}
