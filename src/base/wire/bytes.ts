const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const EMPTY = new Uint8Array(0)

export const utf8 = (text: string): Uint8Array => Buffer.from(text)

/** The text of well-formed UTF-8; undefined for anything else. A byte-order mark is kept. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes)
  } catch {
    return undefined // ill-formed
  }
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** The bytes as a Buffer, without copying. */
export const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export const hexOf = (bytes: Uint8Array): string => bufferOf(bytes).toString('hex')

/** A number as an unsigned LEB128 varint, as in Protocol Buffers. */
export function varint(value: number): Uint8Array {
  const bytes = new Uint8Array(VARINT_BYTES_MAX)
  return bytes.slice(0, writeVarint(bytes, 0, value))
}

/** Writes a varint at `offset`; returns the offset after it. */
export function writeVarint(bytes: Uint8Array, offset: number, value: number): number {
  let end = offset
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[end++] = (rest % 0x80) | 0x80
  bytes[end++] = rest
  return end
}

/** Longest varint that is read. */
export const VARINT_BYTES_MAX = 10

export type Varint =
  | { readonly kind: 'value'; readonly value: number; readonly next: number }
  | { readonly kind: 'more' }
  | { readonly kind: 'bad' }

/** Reads a varint at `offset`; `next` is the offset after it. Bad above `max` and beyond VARINT_BYTES_MAX. */
export function readVarint(bytes: Uint8Array, offset: number, max: number): Varint {
  let value = 0
  let scale = 1
  for (let i = offset; i < offset + VARINT_BYTES_MAX; i++) {
    const byte = bytes[i]
    if (byte === undefined) return value > max ? { kind: 'bad' } : { kind: 'more' }
    value += (byte & 0x7f) * scale
    scale *= 0x80
    if (byte < 0x80) return value > max ? { kind: 'bad' } : { kind: 'value', value, next: i + 1 }
  }
  return { kind: 'bad' }
}
