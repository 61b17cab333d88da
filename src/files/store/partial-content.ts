import { constants, type FileHandle, open } from 'node:fs/promises'
import type { SpaceFor } from '../exchange/file-channel.js'
import type { Piece } from '../exchange/frames.js'
import { Bitmap } from '../format/bitmap.js'
import { chunkBytesAt, chunksIn, type FileId, isChunk, pagesIn } from '../format/hash-tree.js'
import { CHUNK_BYTES, PAGE_HASHES_MAX } from '../limits.js'
import type { StoredPieces } from '../transfer/transfer.js'
import { ChunkReads } from './chunk-reads.js'
import { ChunkWrites } from './chunk-writes.js'
import { readAt, TreeFile } from './tree-file.js'

const FLAGS = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)
const MODE = 0o600

/**
 * A file that is being fetched: sparse on disk, with its hash tree. Chunks that were fetched before are found by their hashes. There is no
 * other record that could disagree with the chunks after a crash: chunks that a killed process wrote are found, and chunks that a power cut
 * lost are fetched again.
 */
export class PartialContent {
  readonly #file: FileId
  readonly #content: FileHandle
  readonly #treeHandle: FileHandle
  readonly #tree: TreeFile
  readonly #reads: ChunkReads
  readonly #writes: ChunkWrites

  private constructor(file: FileId, content: FileHandle, treeHandle: FileHandle) {
    this.#file = file
    this.#content = content
    this.#treeHandle = treeHandle
    this.#tree = new TreeFile(treeHandle, file)
    this.#reads = new ChunkReads(content)
    this.#writes = new ChunkWrites(content)
  }

  static async open(file: FileId, contentPath: string, treePath: string): Promise<PartialContent> {
    const content = await open(contentPath, FLAGS, MODE)
    try {
      const partial = new PartialContent(file, content, await open(treePath, FLAGS, MODE))
      await partial.#tree.writeSize()
      return partial
    } catch (error) {
      await content.close()
      throw error
    }
  }

  /** The pieces on disk, verified. Calls `onProgress` with the bytes that were read. */
  async stored(signal: AbortSignal, onProgress: (bytes: number) => void): Promise<StoredPieces> {
    const { size } = this.#file
    const chunks = Bitmap.empty(chunksIn(size))
    const pages = new Map<number, Uint8Array>()
    const top = await this.#tree.top()
    const end = (await this.#content.stat()).size
    for (let index = 0; top !== undefined && index < pagesIn(size); index++) {
      const page = await this.#tree.page(top, index)
      if (page === undefined) continue
      pages.set(index, page)
      const last = Math.min(chunksIn(size), (index + 1) * PAGE_HASHES_MAX, Math.ceil(end / CHUNK_BYTES))
      for (let chunk = index * PAGE_HASHES_MAX; chunk < last; chunk++) {
        signal.throwIfAborted()
        const bytes = await this.#read(chunk)
        if (bytes !== undefined && isChunk(size, page, chunk, bytes)) chunks.add(chunk)
        onProgress(Math.min(size, (chunk + 1) * CHUNK_BYTES))
      }
    }
    return { top, pages, chunks }
  }

  async write({ level, index }: Piece, bytes: Uint8Array): Promise<void> {
    if (level === 'top') await this.#tree.writeTop(bytes)
    else if (level === 'page') await this.#tree.writePage(index, bytes)
    else await this.#writes.add(index, bytes)
  }

  /** A chunk that was written, in the space that `spaceFor` allocates. */
  async chunk(index: number, spaceFor: SpaceFor): Promise<Uint8Array | undefined> {
    const bytes = spaceFor(chunkBytesAt(this.#file.size, index))
    return (await this.#reads.into(bytes, index)) ? bytes : undefined
  }

  /** Resolves when everything that was written is on disk. */
  async sync(): Promise<void> {
    await this.#treeHandle.sync()
    await this.#content.truncate(this.#file.size)
    await this.#content.sync()
  }

  async close(): Promise<void> {
    await this.#writes.settled()
    await this.#content.close()
    await this.#treeHandle.close()
  }

  #read(chunk: number): Promise<Uint8Array | undefined> {
    return readAt(this.#content, chunk * CHUNK_BYTES, chunkBytesAt(this.#file.size, chunk))
  }
}
