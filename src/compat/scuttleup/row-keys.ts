import { requirePackage } from '../../base/packages.js'
import { bufferOf, concat, utf8 } from '../../base/wire/bytes.js'
import { type LogId, type Seq, unsignedLog } from '../../log/format/author.js'
import { after, type Range } from '../../log/store/store.js'

const { pack, unpack }: typeof import('lexicographic-integer') = requirePackage('lexicographic-integer')

// Keys of unsigned logs in the store; entries have the same keys as in scuttleup. docs/protocol/compat-scuttleup.md §4.1.

const SEPARATOR = '\u00ff'
const ROWS = `c${SEPARATOR}`
/** What the decoder substitutes for malformed UTF-8. */
const REPLACEMENT = '\ufffd'

export const ALL_ROWS: Range = { gte: utf8(ROWS), lt: after(utf8(ROWS)) }
export const ALL_HEADS: Range = { gte: utf8('i'), lt: utf8('j') }

export const rowKey = (author: LogId, seq: Seq): Uint8Array => utf8(`${ROWS}${author}${SEPARATOR}${pack(seq, 'hex')}`)

/** Keys of the entries with `from ≤ seq < to`. */
export const rowRange = (author: LogId, from: Seq, to: Seq): Range => ({
  gte: rowKey(author, from),
  lt: rowKey(author, to),
})

export const headKey = (author: LogId): Uint8Array => utf8(`i${author}`)

export function headKeyAuthor(key: Uint8Array): LogId | undefined {
  return unsignedLog(Buffer.from(key).toString('latin1', 1))
}

/** Extra rows of an entry: the time at which this peer first received it, if it states no credible time; and its checksum. */
export type SideRow = 'hlc' | 'checksum'

const PREFIXES: Readonly<Record<SideRow, string>> = { hlc: 'u', checksum: 'x' }

export function sideRowKey(kind: SideRow, author: LogId, seq: Seq): Uint8Array {
  const key = Buffer.alloc(author.length + 8)
  key.write(`${PREFIXES[kind]}${author}`, 'latin1')
  key.writeUIntBE(seq, author.length + 2, 6)
  return key
}

export const sideRowRange = (kind: SideRow, author: LogId, from: Seq, to: Seq): Range => ({
  gte: sideRowKey(kind, author, from),
  lt: sideRowKey(kind, author, to),
})

export const sideRowSeq = (key: Uint8Array): Seq => bufferOf(key).readUIntBE(key.length - 6, 6)

/** The parts of an entry's key; all undefined for any other key. */
export interface RowKey {
  readonly id: string | undefined
  /** Undefined if the id cannot be an unsigned author's. */
  readonly author: LogId | undefined
  readonly seq: Seq | undefined
}

export function parseRowKey(key: Uint8Array): RowKey {
  const text = bufferOf(key).toString()
  const end = text.lastIndexOf(SEPARATOR)
  if (end < ROWS.length || text.includes(REPLACEMENT)) return { id: undefined, author: undefined, seq: undefined }
  const id = text.slice(ROWS.length, end)
  const hex = text.slice(end + 1)
  const seq = /^([0-9a-f]{2}){1,10}$/.test(hex) ? unpack(hex) : undefined
  return {
    id,
    author: unsignedLog(id),
    seq: seq !== undefined && Number.isSafeInteger(seq) && seq > 0 ? seq : undefined,
  }
}

/** The first key after `key` that can belong to another id. */
export function afterRowsOf(key: Uint8Array): Uint8Array {
  const { id } = parseRowKey(key)
  return id === undefined ? concat([key, Uint8Array.of(0)]) : after(utf8(`${ROWS}${id}${SEPARATOR}`))
}
