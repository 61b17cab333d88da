import { type FileHandle, open } from 'node:fs/promises'
import type { Piece } from '../exchange/frames.js'
import { chunkBytesAt, chunksIn, type FileId, isChunk } from '../format/hash-tree.js'
import { CHUNK_BYTES, PAGE_HASHES_MAX } from '../limits.js'
import { readAt, TreeFile } from './tree-file.js'

/** Reads and verifies the pieces of a stored file, which may have been changed since it was stored. */
export class ContentReader {
  readonly #file: FileId
  readonly #content: FileHandle
  readonly #treeHandle: FileHandle
  readonly #tree: TreeFile
  readonly #top: Uint8Array
  /** The page that was read last. */
  #page: { readonly index: number; readonly bytes: Uint8Array } | undefined
  #closing: Promise<void> | undefined
  #reading = 0
  #onIdle = (): void => {}

  private constructor(file: FileId, content: FileHandle, treeHandle: FileHandle, top: Uint8Array) {
    this.#file = file
    this.#content = content
    this.#treeHandle = treeHandle
    this.#tree = new TreeFile(treeHandle, file)
    this.#top = top
  }

  /** Undefined if the tree is damaged. Rejects if a file cannot be opened. */
  static async open(file: FileId, contentPath: string, treePath: string): Promise<ContentReader | undefined> {
    const content = await open(contentPath, 'r')
    let treeHandle: FileHandle | undefined
    try {
      treeHandle = await open(treePath, 'r')
      const top = await new TreeFile(treeHandle, file).top()
      if (top !== undefined) return new ContentReader(file, content, treeHandle, top)
    } catch (error) {
      await content.close()
      await treeHandle?.close()
      throw error
    }
    await content.close()
    await treeHandle.close()
    return undefined
  }

  /** A piece; undefined if it is not here, or damaged. */
  async read({ level, index }: Piece): Promise<Uint8Array | undefined> {
    if (this.#closing !== undefined) return undefined
    this.#reading++
    try {
      if (level === 'top') return index === 0 ? this.#top : undefined
      return level === 'page' ? await this.#pageAt(index) : await this.#chunkAt(index)
    } finally {
      if (--this.#reading === 0) this.#onIdle()
    }
  }

  /** Whether every chunk is what it was when it was stored. Calls `onProgress` with the bytes that were verified. */
  async isSound(signal: AbortSignal, onProgress: (bytes: number, of: number) => void): Promise<boolean> {
    for (let index = 0; index < chunksIn(this.#file.size); index++) {
      signal.throwIfAborted()
      if ((await this.read({ level: 'chunk', index })) === undefined) return false
      onProgress(Math.min(this.#file.size, (index + 1) * CHUNK_BYTES), this.#file.size)
    }
    return (await this.#content.stat()).size === this.#file.size
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

  async #chunkAt(index: number): Promise<Uint8Array | undefined> {
    const { size } = this.#file
    if (index >= chunksIn(size)) return undefined
    const page = await this.#pageAt(Math.floor(index / PAGE_HASHES_MAX))
    const bytes = page && (await readAt(this.#content, index * CHUNK_BYTES, chunkBytesAt(size, index)))
    return bytes !== undefined && page !== undefined && isChunk(size, page, index, bytes) ? bytes : undefined
  }
}
