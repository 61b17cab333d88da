import { HASH_BYTES } from '../../base/crypto/hash.js'
import { ByteReader } from '../../base/wire/byte-reader.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { EMPTY, hexOf, varint } from '../../base/wire/bytes.js'
import { type FileId, type FileRoot, isFileSize } from '../format/hash-tree.js'

// Frames of a file channel: one byte for the type, then the body. docs/protocol/files.md §11.2.

const QUERY = 0
const HOLDING = 1
const REQUEST = 2
const PART = 3
const ABSENT = 4

/** Kinds of pieces that can be requested: a chunk, a page of hashes, or the hashes of the pages. In the order of their numbers. */
const LEVELS = ['chunk', 'page', 'top'] as const
export type Level = (typeof LEVELS)[number]

/** One piece of a file or of its hash tree. The index of a top is 0. */
export interface Piece {
  readonly level: Level
  readonly index: number
}

export type FileFrame =
  /** Which chunks of a file does the other side have? */
  | { readonly kind: 'query'; readonly file: FileId }
  /** The answer to a query: a bitmap of the chunks, empty for none; undefined for all. */
  | { readonly kind: 'holding'; readonly root: FileRoot; readonly bitmap: Uint8Array | undefined }
  | { readonly kind: 'request'; readonly root: FileRoot; readonly piece: Piece }
  | { readonly kind: 'part'; readonly root: FileRoot; readonly piece: Piece; readonly bytes: Uint8Array }
  /** The sender does not have a piece that was requested. */
  | { readonly kind: 'absent'; readonly root: FileRoot; readonly piece: Piece }
  /** A frame of a later version. */
  | { readonly kind: 'unknown' }

const begin = (type: number, root: FileRoot): ByteWriter => new ByteWriter().u8(type).bytes(Buffer.from(root, 'hex'))

const withPiece = (type: number, root: FileRoot, { level, index }: Piece): ByteWriter =>
  begin(type, root).u8(LEVELS.indexOf(level)).u32(index)

export const encodeQuery = ({ root, size }: FileId): Uint8Array => begin(QUERY, root).varint(size).frame()

export const encodeHolding = (root: FileRoot, bitmap: Uint8Array | undefined): Uint8Array =>
  begin(HOLDING, root)
    .u8(bitmap === undefined ? 1 : 0)
    .bytes(bitmap ?? EMPTY)
    .frame()

export const encodeRequest = (root: FileRoot, piece: Piece): Uint8Array => withPiece(REQUEST, root, piece).frame()

/** A frame that carries a piece of `length` bytes, and the part of the frame into which the piece is read. */
export function partFrame(root: FileRoot, piece: Piece, length: number): { frame: Buffer; bytes: Buffer } {
  const head = withPiece(PART, root, piece).finish()
  const prefix = varint(head.length + length)
  const frame = Buffer.allocUnsafeSlow(prefix.length + head.length + length)
  frame.set(prefix)
  frame.set(head, prefix.length)
  return { frame, bytes: frame.subarray(prefix.length + head.length) }
}

export const encodeAbsent = (root: FileRoot, piece: Piece): Uint8Array => withPiece(ABSENT, root, piece).frame()

/** Decodes the body of a frame; undefined if it is malformed. Never throws; checks the encoding, not the content. */
export function decodeFileFrame(body: Uint8Array): FileFrame | undefined {
  const reader = new ByteReader(body)
  const type = reader.u8()
  if (type > ABSENT) return { kind: 'unknown' }
  const root = hexOf(reader.bytes(HASH_BYTES)) as FileRoot
  if (type === QUERY) {
    const size = reader.varint()
    return isFileSize(size) ? reader.end({ kind: 'query', file: { root, size } }) : undefined
  }
  if (type === HOLDING) {
    const isAll = reader.u8() === 1
    const bitmap = reader.rest()
    if (isAll && bitmap.length > 0) return undefined
    return reader.end({ kind: 'holding', root, bitmap: isAll ? undefined : bitmap })
  }
  const level = LEVELS[reader.u8()]
  const index = reader.u32()
  const bytes = reader.rest()
  if (level === undefined || (type !== PART && bytes.length > 0)) return undefined
  const piece = { level, index }
  if (type === PART) return reader.end({ kind: 'part', root, piece, bytes })
  return reader.end({ kind: type === REQUEST ? 'request' : 'absent', root, piece })
}
