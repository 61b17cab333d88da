import type { FileHandle } from 'node:fs/promises'
import { readVarint } from '../../../base/wire/bytes.js'
import { crc32c, masked } from './crc32c.js'
import { unpackSnappy } from './snappy.js'

// LevelDB's tables (google/leveldb, doc/table_format.md). LevelDB reads blocks without verifying their checksums: a flipped bit in a key
// hides rows, and a flipped bit in an index fails an assertion, which aborts the process.

const FOOTER_BYTES = 48
const MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** After each block: its compression and its checksum. */
const TRAILER_BYTES = 5
const SNAPPY = 1
/** Blocks are read in groups of about this size. */
const READ_BYTES = 1024 * 1024

interface Block {
  readonly offset: number
  readonly size: number
}

/** How much of a table is checked: only its index, or every block. */
export type Depth = 'index' | 'all'

/** Whether the checksums of a table are correct. */
export async function isTableIntact(file: FileHandle, size: number, depth: Depth): Promise<boolean> {
  const footer = await readAt(file, Math.max(0, size - FOOTER_BYTES), FOOTER_BYTES)
  if (size < FOOTER_BYTES || !footer.subarray(-MAGIC.length).equals(MAGIC)) return false
  const [meta, index] = handlesIn(footer)
  if (meta === undefined || index === undefined) return false
  const contents = await contentsOf(file, size, index)
  const metaContents = await contentsOf(file, size, meta)
  if (contents === undefined || metaContents === undefined) return false
  if (depth === 'index') return true
  const blocks = [...blocksIn(contents), ...blocksIn(metaContents)]
  if (blocks.some(block => block === undefined)) return false
  return areIntact(file, size, blocks as Block[])
}

async function areIntact(file: FileHandle, size: number, blocks: readonly Block[]): Promise<boolean> {
  const inOrder = blocks.toSorted((a, b) => a.offset - b.offset)
  for (let first = 0; first < inOrder.length; ) {
    const start = inOrder[first]?.offset ?? 0
    let end = first
    while (end < inOrder.length && (end === first || endOf(inOrder[end] as Block) - start <= READ_BYTES)) end++
    const group = inOrder.slice(first, end)
    const stop = Math.max(...group.map(endOf))
    if (stop > size) return false
    const bytes = await readAt(file, start, stop - start)
    if (
      !group.every(({ offset, size }) =>
        isBlockIntact(bytes.subarray(offset - start, offset - start + size + TRAILER_BYTES)),
      )
    )
      return false
    first = end
  }
  return true
}

const endOf = ({ offset, size }: Block): number => offset + size + TRAILER_BYTES

const isBlockIntact = (block: Buffer): boolean =>
  block.length >= TRAILER_BYTES && block.readUInt32LE(block.length - 4) === masked(crc32c(block, 0, block.length - 4))

/** The unpacked contents of a block; undefined if it is damaged. */
async function contentsOf(file: FileHandle, size: number, block: Block): Promise<Uint8Array | undefined> {
  if (endOf(block) > size) return undefined
  const bytes = await readAt(file, block.offset, block.size + TRAILER_BYTES)
  if (!isBlockIntact(bytes)) return undefined
  const contents = bytes.subarray(0, block.size)
  return bytes[block.size] === SNAPPY ? unpackSnappy(contents) : contents
}

/** The blocks that an index lists: the value of each row is a handle. A malformed handle gives undefined. */
function blocksIn(index: Uint8Array): (Block | undefined)[] {
  const view = Buffer.from(index.buffer, index.byteOffset, index.byteLength)
  if (view.length < 4) return [undefined]
  const end = view.length - 4 - 4 * view.readUInt32LE(view.length - 4)
  if (end < 0) return [undefined]
  const blocks: (Block | undefined)[] = []
  for (let at = 0; at < end; ) {
    const numbers = numbersAt(view, at, 3)
    if (numbers === undefined) return [undefined]
    const [, keyLength = 0, valueLength = 0] = numbers.values
    const valueAt = numbers.next + keyLength
    const handle = numbersAt(view, valueAt, 2)
    const [offset, size] = handle?.values ?? []
    blocks.push(offset === undefined || size === undefined ? undefined : { offset, size })
    at = valueAt + valueLength
  }
  return blocks
}

/** The footer begins with two handles: of the meta index and of the index. */
function handlesIn(footer: Uint8Array): (Block | undefined)[] {
  const [a, b, c, d] = numbersAt(footer, 0, 4)?.values ?? []
  if (a === undefined || b === undefined || c === undefined || d === undefined) return []
  return [
    { offset: a, size: b },
    { offset: c, size: d },
  ]
}

function numbersAt(bytes: Uint8Array, from: number, count: number): { values: number[]; next: number } | undefined {
  const values: number[] = []
  let next = from
  while (values.length < count) {
    const varint = readVarint(bytes, next, Number.MAX_SAFE_INTEGER)
    if (varint.kind !== 'value') return undefined
    values.push(varint.value)
    next = varint.next
  }
  return { values, next }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  await file.read(bytes, 0, length, position)
  return bytes
}
