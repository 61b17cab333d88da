import { open, readdir } from 'node:fs/promises'
import path from 'node:path'
import { readVarint } from '../base/bytes.js'
import { systemCode } from '../base/errors.js'

// LevelDB reads the indexes of its tables without looking at their checksums, and a flipped bit in one leads it astray:
// rows are not found, or the process is ended by an assertion. See LevelDB's doc/table_format.md.

const FOOTER_BYTES = 48
const MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** Behind each block: how it is packed, and its checksum. */
const TRAILER_BYTES = 5

/** The tables in `directory` whose index is not as it was written; those that are not finished are passed over. */
export async function damagedTables(directory: string): Promise<string[]> {
  const damaged: string[] = []
  for (const name of await readdir(directory)) {
    const table = path.join(directory, name)
    if (/\.(ldb|sst)$/.test(name) && !(await isIndexWhole(table))) damaged.push(table)
  }
  return damaged
}

async function isIndexWhole(table: string): Promise<boolean> {
  const file = await open(table).catch(error => {
    if (systemCode(error) === 'ENOENT') return undefined // compacted away meanwhile
    throw error
  })
  if (file === undefined) return true
  try {
    const { size } = await file.stat()
    const footer = await readAt(Math.max(0, size - FOOTER_BYTES), FOOTER_BYTES)
    if (!footer.subarray(-MAGIC.length).equals(MAGIC)) return true
    const index = indexHandle(footer, size - FOOTER_BYTES)
    if (index === undefined) return false
    const block = await readAt(index.offset, index.size + TRAILER_BYTES)
    return block.readUInt32LE(block.length - 4) === masked(crc32c(block.subarray(0, -4)))
  } finally {
    await file.close()
  }

  async function readAt(position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(length)
    await file?.read(bytes, 0, length, position)
    return bytes
  }
}

/** The footer begins with two handles, that of the block of blocks and that of the index: place and length of each. */
function indexHandle(footer: Uint8Array, end: number): { readonly offset: number; readonly size: number } | undefined {
  const numbers: number[] = []
  for (let at = 0; numbers.length < 4; ) {
    const varint = readVarint(footer, at, end)
    if (varint.kind !== 'value') return undefined
    numbers.push(varint.value)
    at = varint.next
  }
  const [, , offset = 0, size = 0] = numbers
  return offset + size + TRAILER_BYTES <= end ? { offset, size } : undefined
}

const CRC32C = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0x82f63b78 : rest >>> 1
  return rest
})

/** The checksum of RFC 3720; node:zlib has another. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) crc = (CRC32C[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8)
  return (crc ^ 0xffff_ffff) >>> 0
}

/** As LevelDB stores a checksum. */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0
