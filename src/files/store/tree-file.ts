import type { FileHandle } from 'node:fs/promises'
import { HASH_BYTES } from '../../base/crypto/hash.js'
import {
  chunksIn,
  type FileId,
  isFileSize,
  isPage,
  isTop,
  pageBytesAt,
  pagesIn,
  topBytesOf,
} from '../format/hash-tree.js'
import { PAGE_HASHES_MAX } from '../limits.js'

const SIZE_BYTES = 8

/** The hash tree of one file on disk: u64 size ‖ top ‖ pages. Missing parts are zeros, or lie beyond the end of the tree file. */
export class TreeFile {
  readonly #handle: FileHandle
  readonly #file: FileId

  constructor(handle: FileHandle, file: FileId) {
    this.#handle = handle
    this.#file = file
  }

  /** The size of the content; undefined if the file is damaged. */
  static async sizeIn(handle: FileHandle): Promise<number | undefined> {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SIZE_BYTES), 0, SIZE_BYTES, 0)
    const size = bytesRead === SIZE_BYTES ? Number(buffer.readBigUInt64BE()) : undefined
    return isFileSize(size) ? size : undefined
  }

  async writeSize(): Promise<void> {
    const size = Buffer.alloc(SIZE_BYTES)
    size.writeBigUInt64BE(BigInt(this.#file.size))
    await writeAll(this.#handle, size, 0)
  }

  /** The top, if it is here and genuine. */
  async top(): Promise<Uint8Array | undefined> {
    const top = await readAt(this.#handle, SIZE_BYTES, topBytesOf(this.#file.size))
    return top !== undefined && isTop(this.#file, top) ? top : undefined
  }

  writeTop(top: Uint8Array): Promise<void> {
    return writeAll(this.#handle, top, SIZE_BYTES)
  }

  /** A page, if it is here and genuine. */
  async page(top: Uint8Array, page: number): Promise<Uint8Array | undefined> {
    const { size } = this.#file
    if (page >= pagesIn(size)) return undefined
    const bytes = await readAt(this.#handle, this.#offsetOf(page), pageBytesAt(size, page))
    return bytes !== undefined && isPage(size, top, page, bytes) ? bytes : undefined
  }

  writePage(page: number, bytes: Uint8Array): Promise<void> {
    return writeAll(this.#handle, bytes, this.#offsetOf(page))
  }

  /** All pages at once: the hashes of all chunks. */
  writeHashes(hashes: Uint8Array): Promise<void> {
    return chunksIn(this.#file.size) === 0 ? Promise.resolve() : this.writePage(0, hashes)
  }

  #offsetOf(page: number): number {
    return SIZE_BYTES + topBytesOf(this.#file.size) + page * PAGE_HASHES_MAX * HASH_BYTES
  }
}

/** The bytes at a place of a file; undefined if it ends before. */
export async function readAt(handle: FileHandle, at: number, length: number): Promise<Uint8Array | undefined> {
  const bytes = Buffer.allocUnsafe(length)
  let read = 0
  while (read < length) {
    const { bytesRead } = await handle.read(bytes, read, length - read, at + read)
    if (bytesRead === 0) return undefined
    read += bytesRead
  }
  return bytes
}

export async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, at + written)
    written += bytesWritten
  }
}
