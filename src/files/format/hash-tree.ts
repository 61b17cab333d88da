import { HASH_BYTES, keyedHash } from '../../base/crypto/hash.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { concat, hexOf, sameBytes, utf8 } from '../../base/wire/bytes.js'
import { CHUNK_BYTES, FILE_BYTES_MAX, PAGE_HASHES_MAX } from '../limits.js'

/**
 * The hash tree of a file has two levels. The hashes of its chunks, in order, are divided into pages; the hashes of the pages, in order,
 * are its top. The root is the hash of the size and the top, so whoever knows the root can verify the top, then each page, then
 * each chunk, in any order and from anybody. docs/protocol/files.md §11.1.
 */

declare const ROOT: unique symbol
/** The root of a hash tree as 64 hex digits, which names the content of a file. */
export type FileRoot = string & { readonly [ROOT]: true }

/** Identifies the content of a file by its root and size. */
export interface FileId {
  readonly root: FileRoot
  readonly size: number
}

const CHUNK_KEY = utf8('persisted-chat/file/1/chunk')
const PAGE_KEY = utf8('persisted-chat/file/1/page')
const ROOT_KEY = utf8('persisted-chat/file/1/root')

const ROOT_PATTERN = /^[0-9a-f]{64}$/

/** `text` as a root; undefined for anything else. */
export const fileRootOf = (text: unknown): FileRoot | undefined =>
  typeof text === 'string' && ROOT_PATTERN.test(text) ? (text as FileRoot) : undefined

export const isFileSize = (size: unknown): size is number =>
  Number.isSafeInteger(size) && (size as number) >= 0 && (size as number) <= FILE_BYTES_MAX

export const chunksIn = (size: number): number => Math.ceil(size / CHUNK_BYTES)
export const pagesIn = (size: number): number => Math.ceil(chunksIn(size) / PAGE_HASHES_MAX)

/** Bytes of one chunk: CHUNK_BYTES, except for the last chunk. */
export const chunkBytesAt = (size: number, chunk: number): number => Math.min(CHUNK_BYTES, size - chunk * CHUNK_BYTES)

/** Bytes of one page. */
export const pageBytesAt = (size: number, page: number): number =>
  HASH_BYTES * Math.min(PAGE_HASHES_MAX, chunksIn(size) - page * PAGE_HASHES_MAX)

/** Bytes of the top. */
export const topBytesOf = (size: number): number => HASH_BYTES * pagesIn(size)

export const chunkHash = (chunk: Uint8Array): Uint8Array => keyedHash(CHUNK_KEY, HASH_BYTES, chunk)

const pageHash = (page: Uint8Array): Uint8Array => keyedHash(PAGE_KEY, HASH_BYTES, page)

function rootHash(size: number, top: Uint8Array): FileRoot {
  const head = new ByteWriter().u32(Math.floor(size / 2 ** 32)).u32(size % 2 ** 32)
  return hexOf(keyedHash(ROOT_KEY, HASH_BYTES, head.finish(), top)) as FileRoot
}

const hashAt = (hashes: Uint8Array, index: number): Uint8Array =>
  hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)

/** Whether `top` is the top of a file's tree. */
export const isTop = ({ root, size }: FileId, top: Uint8Array): boolean =>
  top.length === topBytesOf(size) && rootHash(size, top) === root

/** Whether `page` is a page of the tree with a verified top. */
export const isPage = (size: number, top: Uint8Array, page: number, bytes: Uint8Array): boolean =>
  bytes.length === pageBytesAt(size, page) && sameBytes(pageHash(bytes), hashAt(top, page))

/** Whether `bytes` are a chunk of the content; `page` is the verified page with its hash. */
export const isChunk = (size: number, page: Uint8Array, chunk: number, bytes: Uint8Array): boolean =>
  bytes.length === chunkBytesAt(size, chunk) && sameBytes(chunkHash(bytes), hashAt(page, chunk % PAGE_HASHES_MAX))

/** A hash tree with the content that it belongs to. */
export interface HashTree extends FileId {
  readonly top: Uint8Array
  /** The hashes of all chunks: its pages, one after the other. */
  readonly hashes: Uint8Array
}

/** The tree over the hashes of all chunks of a file. */
export function treeOf(size: number, hashes: Uint8Array): HashTree {
  const pageBytes = PAGE_HASHES_MAX * HASH_BYTES
  const top = concat(
    Array.from({ length: pagesIn(size) }, (_, page) =>
      pageHash(hashes.subarray(page * pageBytes, (page + 1) * pageBytes)),
    ),
  )
  return { root: rootHash(size, top), size, top, hashes }
}
