import { concat, readVarint, utf8, varint } from './bytes.js'

// The subset of Protocol Buffers that messages use: varint and length-delimited fields.

const VARINT = 0
const FIXED64 = 1
const DELIMITED = 2
const FIXED32 = 5

/** One field of a message. Bytes are a view. */
export type Field =
  | { readonly number: number; readonly kind: 'varint'; readonly value: number }
  | { readonly number: number; readonly kind: 'bytes'; readonly value: Uint8Array }

export const varintField = (number: number, value: number): Uint8Array =>
  concat([varint(number * 8 + VARINT), varint(value)])

export const bytesField = (number: number, value: Uint8Array): Uint8Array =>
  concat([varint(number * 8 + DELIMITED), varint(value.length), value])

export const textField = (number: number, value: string): Uint8Array => bytesField(number, utf8(value))

/** The fields of a message in order; undefined if it is malformed. Fixed-width fields, which no message uses, are skipped. */
export function readFields(bytes: Uint8Array): Field[] | undefined {
  const fields: Field[] = []
  let offset = 0
  while (offset < bytes.length) {
    const tag = readVarint(bytes, offset, 0xffff_ffff)
    if (tag.kind !== 'value') return undefined
    const number = Math.floor(tag.value / 8)
    const wire = tag.value % 8
    if (number === 0) return undefined
    if (wire === VARINT) {
      const value = readVarint(bytes, tag.next, Number.MAX_SAFE_INTEGER)
      if (value.kind !== 'value') return undefined
      fields.push({ number, kind: 'varint', value: value.value })
      offset = value.next
    } else if (wire === DELIMITED) {
      const length = readVarint(bytes, tag.next, bytes.length)
      if (length.kind !== 'value' || length.next + length.value > bytes.length) return undefined
      fields.push({ number, kind: 'bytes', value: bytes.subarray(length.next, length.next + length.value) })
      offset = length.next + length.value
    } else if (wire === FIXED64 || wire === FIXED32) {
      offset = tag.next + (wire === FIXED64 ? 8 : 4)
      if (offset > bytes.length) return undefined
    } else {
      return undefined
    }
  }
  return fields
}
