import { pack, unpack } from 'lexicographic-integer'
import { bufferOf, concat, utf8 } from '../../base/wire/bytes.js'
import { type AuthorId, type Seq, unsignedAuthor } from '../../log/format/author.js'
import { after, type Range } from '../../log/store/store.js'

// Keys of the logs of unsigned authors. The first two are scuttleup's own. PROTOCOL.md §4.1.

const SEPARATOR = '\u00ff'
const ROWS = `c${SEPARATOR}`
/** What bytes that are no UTF-8 are read as. */
const REPLACEMENT = '\ufffd'

export const ALL_ROWS: Range = { gte: utf8(ROWS), lt: after(utf8(ROWS)) }
export const ALL_HEADS: Range = { gte: utf8('i'), lt: utf8('j') }

export const rowKey = (author: AuthorId, seq: Seq): Uint8Array =>
  utf8(`${ROWS}${author}${SEPARATOR}${pack(seq, 'hex')}`)

/** Keys of the entries with `from ≤ seq < to`. */
export const rowRange = (author: AuthorId, from: Seq, to: Seq): Range => ({
  gte: rowKey(author, from),
  lt: rowKey(author, to),
})

export const headKey = (author: AuthorId): Uint8Array => utf8(`i${author}`)

export function headKeyAuthor(key: Uint8Array): AuthorId | undefined {
  return unsignedAuthor(Buffer.from(key).toString('latin1', 1))
}

/** What is kept beside an entry: the `at` at which this peer first saw it, where it says none; and its checksum. */
export type Beside = 'at' | 'checksum'

const LETTERS: Readonly<Record<Beside, string>> = { at: 'u', checksum: 'x' }

export function besideKey(what: Beside, author: AuthorId, seq: Seq): Uint8Array {
  const key = Buffer.alloc(author.length + 8)
  key.write(`${LETTERS[what]}${author}`, 'latin1')
  key.writeUIntBE(seq, author.length + 2, 6)
  return key
}

export const besideRange = (what: Beside, author: AuthorId, from: Seq, to: Seq): Range => ({
  gte: besideKey(what, author, from),
  lt: besideKey(what, author, to),
})

export const besideKeySeq = (key: Uint8Array): Seq => bufferOf(key).readUIntBE(key.length - 6, 6)

/**
 * What a scuttleup row's key says: all undefined where it is none. `author` is undefined where the id is one that this
 * program does not carry.
 */
export interface RowKey {
  readonly id: string | undefined
  readonly author: AuthorId | undefined
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
    author: unsignedAuthor(id),
    seq: seq !== undefined && Number.isSafeInteger(seq) && seq > 0 ? seq : undefined,
  }
}

/** The first key behind `key` that another id can have. */
export function behindRowsOf(key: Uint8Array): Uint8Array {
  const { id } = parseRowKey(key)
  return id === undefined ? concat([key, Uint8Array.of(0)]) : after(utf8(`${ROWS}${id}${SEPARATOR}`))
}
