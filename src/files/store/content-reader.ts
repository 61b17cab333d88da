import { fstatSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { SpaceFor } from '../exchange/file-channel.js'
import type { Piece } from '../exchange/frames.js'
import { Bitmap } from '../format/bitmap.js'
import { chunkBytesAt, chunksIn, type FileId, isChunk } from '../format/hash-tree.js'
import { CHUNK_BYTES, PAGE_HASHES_MAX } from '../limits.js'
import { ChunkReads } from './chunk-reads.js'
import { TreeFile } from './tree-file.js'

/** Identifies a state of a file: every write changes its times. */
export type FileStamp = string

/** The stamp of an open file. */
export function stampOf({ fd }: FileHandle): FileStamp {
  const { ino, size, mtimeNs, ctimeNs } = fstatSync(fd, { bigint: true })
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`
}

const newSpace: SpaceFor = length => Buffer.allocUnsafeSlow(length)

/**
 * Reads the pieces of a stored file, which may have been changed since it was stored. A chunk is verified when it is first read, and again
 * once the stamp of the file has changed.
 */
export class ContentReader {
  readonly #file: FileId
  readonly #content: FileHandle
  readonly #chunks: ChunkReads
  readonly #treeHandle: FileHandle
  readonly #tree: TreeFile
  readonly #top: Uint8Array
  /** The chunks that were verified while the file had the stamp. */
  #verified: Bitmap
  #stamp: FileStamp | undefined
  /** The page that was read last. */
  #page: { readonly index: number; readonly bytes: Uint8Array } | undefined
  #closing: Promise<void> | undefined
  #reading = 0
  #onIdle = (): void => {}

  private constructor(
    file: FileId,
    content: FileHandle,
    treeHandle: FileHandle,
    top: Uint8Array,
    storedAs: FileStamp | undefined,
  ) {
    this.#file = file
    this.#content = content
    this.#chunks = new ChunkReads(content)
    this.#treeHandle = treeHandle
    this.#tree = new TreeFile(treeHandle, file)
    this.#top = top
    this.#verified = Bitmap.full(chunksIn(file.size))
    this.#stamp = storedAs
  }

  /**
   * `storedAs`: the stamp of the file when all of it was verified. Undefined if the tree is damaged. Rejects if a file cannot be
   * opened.
   */
  static async open(
    file: FileId,
    contentPath: string,
    treePath: string,
    storedAs?: FileStamp,
  ): Promise<ContentReader | undefined> {
    const content = await open(contentPath, 'r')
    let treeHandle: FileHandle | undefined
    try {
      treeHandle = await open(treePath, 'r')
      const top = await new TreeFile(treeHandle, file).top()
      if (top !== undefined) return new ContentReader(file, content, treeHandle, top, storedAs)
    } catch (error) {
      await content.close()
      await treeHandle?.close()
      throw error
    }
    await content.close()
    await treeHandle.close()
    return undefined
  }

  /** A piece, in the space that `spaceFor` allocates; undefined if it is not here, or damaged. */
  async read({ level, index }: Piece, spaceFor = newSpace): Promise<Uint8Array | undefined> {
    if (this.#closing !== undefined) return undefined
    this.#reading++
    try {
      if (level === 'chunk') return await this.#chunkAt(index, spaceFor)
      const hashes = level === 'page' ? await this.#pageAt(index) : index === 0 ? this.#top : undefined
      return hashes && inSpace(hashes, spaceFor)
    } finally {
      if (--this.#reading === 0) this.#onIdle()
    }
  }

  /** Whether every chunk is unchanged since it was stored. Calls `onProgress` with the bytes that were verified. */
  async isSound(signal: AbortSignal, onProgress: (bytes: number, of: number) => void): Promise<boolean> {
    const { size } = this.#file
    this.#stamp = undefined
    for (let index = 0; index < chunksIn(size); index++) {
      signal.throwIfAborted()
      if ((await this.read({ level: 'chunk', index })) === undefined) return false
      onProgress(Math.min(size, (index + 1) * CHUNK_BYTES), size)
    }
    return (await this.#content.stat()).size === size
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#reading > 0)
      await new Promise<void>(resolve => {
        this.#onIdle = resolve
      })
    await this.#content.close()
    await this.#treeHandle.close()
  }

  async #pageAt(index: number): Promise<Uint8Array | undefined> {
    if (this.#page?.index === index) return this.#page.bytes
    const bytes = await this.#tree.page(this.#top, index)
    if (bytes !== undefined) this.#page = { index, bytes }
    return bytes
  }

  async #chunkAt(index: number, spaceFor: SpaceFor): Promise<Uint8Array | undefined> {
    const { size } = this.#file
    if (index >= chunksIn(size)) return undefined
    const page = await this.#pageAt(Math.floor(index / PAGE_HASHES_MAX))
    if (page === undefined) return undefined
    const before = this.#checkStamp()
    const bytes = spaceFor(chunkBytesAt(size, index))
    if (!(await this.#chunks.into(bytes, index))) return undefined
    const isUnchanged = this.#checkStamp() === before
    if (isUnchanged && this.#verified.has(index)) return bytes
    if (!isChunk(size, page, index, bytes)) return undefined
    if (isUnchanged) this.#verified.add(index)
    return bytes
  }

  /** The stamp of the file. If the stamp has changed, all chunks have to be verified again. */
  #checkStamp(): FileStamp {
    const stamp = stampOf(this.#content)
    if (stamp !== this.#stamp) this.#verified = Bitmap.empty(chunksIn(this.#file.size))
    this.#stamp = stamp
    return stamp
  }
}

/** A copy of bytes, in the space that `spaceFor` allocates. */
export function inSpace(bytes: Uint8Array, spaceFor: SpaceFor): Uint8Array {
  const space = spaceFor(bytes.length)
  space.set(bytes)
  return space
}
