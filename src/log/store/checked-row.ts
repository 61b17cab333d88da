import { crc32 } from 'node:zlib'
import { bufferOf, concat } from '../../base/wire/bytes.js'

// Values of rows start with a checksum, because reads from LevelDB do not detect flipped bits. docs/protocol/storage.md §4.2.

export const CRC_BYTES = 4

/** Prepends a checksum. */
export function checked(bytes: Uint8Array): Uint8Array {
  const checksum = Buffer.alloc(CRC_BYTES)
  checksum.writeUInt32BE(crc32(bytes))
  return concat([checksum, bytes])
}

/** The bytes after a checksum; undefined if it does not match. */
export function unchecked(value: Uint8Array): Uint8Array | undefined {
  const bytes = value.subarray(CRC_BYTES)
  return value.length > CRC_BYTES && bufferOf(value).readUInt32BE() === crc32(bytes) ? bytes : undefined
}
