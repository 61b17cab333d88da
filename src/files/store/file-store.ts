import { type FileHandle, link, open, readdir, realpath, rename, rm, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import type { Millis } from '../../base/clock.js'
import { HASH_BYTES } from '../../base/crypto/hash.js'
import { ChatError, systemCode } from '../../base/errors.js'
import { diskError } from '../../base/files/disk-faults.js'
import { createFile, replaceFile, syncDirectory } from '../../base/files/draft-file.js'
import { makeDirectory } from '../../base/files/make-directory.js'
import { withRegularFile } from '../../base/files/regular-file.js'
import { type Random, systemRandom } from '../../base/random.js'
import { hexOf } from '../../base/wire/bytes.js'
import type { SpaceFor } from '../exchange/file-channel.js'
import type { Piece } from '../exchange/frames.js'
import { numberedName, savedName } from '../format/file-name.js'
import { chunkHash, type FileId, type FileRoot, fileRootOf, type HashTree, treeOf } from '../format/hash-tree.js'
import { CHUNK_BYTES, FILE_BYTES_MAX, PAGE_HASHES_MAX } from '../limits.js'
import { ContentReader, type FileStamp, stampOf } from './content-reader.js'
import { PartialContent } from './partial-content.js'
import { contentWithoutMetadata, type SentContent, wholeContent } from './sent-content.js'
import { TreeFile, writeAll } from './tree-file.js'

const TREE = '.tree'
const PARTIAL = '.part'
const LINES = '.lines'
const DRAFT = /^draft-[0-9a-f]{16}$/
const DRAFT_BYTES = 8
/** Unit of the block count that the system reports for a sparse file, in bytes. */
const BLOCK_BYTES = 512
/** Files that are open for reading. */
const READERS_MAX = 8
/** How many names are tried before saving fails. */
const NAMES_MAX = 1_000
/** Bytes that are read at once from a file that is sent. */
const READ_BYTES = 16 * CHUNK_BYTES

/** Work on a file: `onProgress` is called with the number of bytes done and the size of the file. */
export interface FileWork {
  readonly signal: AbortSignal
  readonly onProgress: (bytes: number, of: number) => void
}

/** A file in this store. */
interface Stored extends FileId {
  /** Whether all chunks are here. */
  isComplete: boolean
  /** The recorded lines that refer to it. */
  readonly lines: Set<string>
  /** The stamp of a complete file when this process stored it. */
  stamp?: FileStamp
}

/**
 * The files of one room on disk, by the roots of their hash trees. A complete file is `<root>` in the directory, an incomplete file is
 * `<root>.part`. Beside it are `<root>.tree`, and `<root>.lines` with the lines that refer to the file. A complete file is never written
 * again: the user's copy may be a hard link to it.
 */
export class FileStore {
  readonly #directory: string
  readonly #random: Random
  readonly #stored = new Map<FileRoot, Stored>()
  /** Files that were added, and that no line refers to yet. */
  readonly #added = new Set<FileRoot>()
  /** In LRU order: the most recently used reader is the last. */
  readonly #readers = new Map<FileRoot, Promise<ContentReader | undefined>>()

  private constructor(directory: string, random: Random) {
    this.#directory = directory
    this.#random = random
  }

  /** Reads the names of the files. Creates nothing. Rejects with DATA_UNUSABLE. */
  static async open(directory: string, random: Random = systemRandom): Promise<FileStore> {
    const store = new FileStore(directory, random)
    try {
      await store.#list()
    } catch (cause) {
      throw diskError(`${directory} cannot be read`, cause)
    }
    return store
  }

  /** The complete and incomplete files. */
  get all(): readonly FileRoot[] {
    return [...this.#stored.keys()]
  }

  /** Whether all chunks of a file are here. */
  isComplete({ root, size }: FileId): boolean {
    const stored = this.#stored.get(root)
    return stored?.isComplete === true && stored.size === size
  }

  /** Whether there is a complete file with this root. The root determines the size. */
  hasRoot(root: FileRoot): boolean {
    return this.#stored.get(root)?.isComplete === true
  }

  linesOf(root: FileRoot): ReadonlySet<string> {
    return this.#stored.get(root)?.lines ?? new Set()
  }

  /**
   * Copies a file of the user into the store; a picture without its metadata, unless `isRaw`. Rejects with FILE_UNUSABLE, or the
   * reason of the signal.
   */
  async add(file: string, work: FileWork, isRaw = false): Promise<FileId> {
    try {
      return await withRegularFile(await realpath(file), async source =>
        this.#add(await (isRaw ? wholeContent(source) : contentWithoutMetadata(file, source)), work),
      )
    } catch (cause) {
      if (work.signal.aborted) throw work.signal.reason
      throw cause instanceof ChatError ? cause : fileError(`${file} cannot be sent`, cause)
    }
  }

  /** Opens a file that is to be fetched. Rejects with DATA_UNUSABLE. */
  async begin(file: FileId): Promise<PartialContent> {
    const { root } = file
    try {
      await makeDirectory(this.#directory)
      const partial = await PartialContent.open(file, this.#path(root, PARTIAL), this.#path(root, TREE))
      this.#stored.set(root, { ...file, isComplete: false, lines: this.#stored.get(root)?.lines ?? new Set() })
      return partial
    } catch (cause) {
      throw diskError('the file cannot be stored', cause)
    }
  }

  /** All chunks of a file are written: syncs and closes it. Rejects if the disk fails. */
  async complete(root: FileRoot, partial: PartialContent): Promise<void> {
    await partial.sync()
    await partial.close()
    await rename(this.#path(root, PARTIAL), this.#path(root))
    await syncDirectory(this.#directory)
    const stored = this.#stored.get(root)
    if (stored !== undefined) stored.isComplete = true
  }

  /** A piece of a complete file, in the space that `spaceFor` allocates; undefined if it is not here, or damaged. */
  async read(root: FileRoot, piece: Piece, spaceFor?: SpaceFor): Promise<Uint8Array | undefined> {
    return (await this.#reader(root))?.read(piece, spaceFor)
  }

  /** Whether a complete file is unchanged. If not, removes it, so that it can be fetched again. */
  async isSound(root: FileRoot, { signal, onProgress }: FileWork): Promise<boolean> {
    const isSound = await (await this.#reader(root))?.isSound(signal, onProgress)
    if (isSound === true) return true
    await this.#closeReader(root)
    await rm(this.#path(root), { force: true })
    const stored = this.#stored.get(root)
    if (stored !== undefined) stored.isComplete = false
    return false
  }

  /**
   * Saves a complete file in a directory of the user, under a name that is free there. Creates a hard link, which takes no space, or a copy
   * if the file system has no hard links. Resolves with the path. Rejects with FILE_UNUSABLE.
   */
  async save(root: FileRoot, directory: string, name: string): Promise<string> {
    const usable = savedName(name)
    try {
      for (let number = 1; number <= NAMES_MAX; number++) {
        const target = path.join(directory, numberedName(usable, number))
        if (await this.#saveAs(root, target)) {
          await syncDirectory(directory)
          return target
        }
      }
    } catch (cause) {
      throw fileError(`the file cannot be saved in ${directory}`, cause)
    }
    throw new ChatError(
      'FILE_UNUSABLE',
      `the file cannot be saved in ${directory}: ${usable} and its numbers are taken`,
    )
  }

  /** Whether the user has added a file to send it, and its line is not recorded yet. */
  isToBeReferred(root: FileRoot): boolean {
    return this.#added.has(root)
  }

  /** Records that a line refers to a file. */
  async refer(root: FileRoot, line: string): Promise<void> {
    this.#added.delete(root)
    const stored = this.#stored.get(root)
    if (stored === undefined || stored.lines.has(line)) return
    stored.lines.add(line)
    await this.#writeLines(stored)
  }

  /** A line is deleted. Resolves with whether no recorded line refers to the file any more. */
  async unrefer(root: FileRoot, line: string): Promise<boolean> {
    const stored = this.#stored.get(root)
    if (stored === undefined || !stored.lines.delete(line)) return false
    if (stored.lines.size > 0) await this.#writeLines(stored)
    return stored.lines.size === 0
  }

  /** When a file was stored or begun. */
  async storedAt(root: FileRoot): Promise<Millis> {
    return (await stat(this.#path(root, TREE))).ctimeMs
  }

  /** Whether the disk has space for the missing part of a file. True if the file system does not report its free space. */
  async hasSpaceFor({ root, size }: FileId): Promise<boolean> {
    const { blocks = 0 } = (await stat(this.#path(root, PARTIAL)).catch(() => undefined)) ?? {}
    const free = await this.free()
    return free <= 0 || size - blocks * BLOCK_BYTES <= free
  }

  /** Free bytes of the disk. Some file systems always report 0. */
  async free(): Promise<number> {
    const { bavail, bsize } = await statfs(path.dirname(this.#directory))
    return bavail * bsize
  }

  /** Deletes a file. */
  async remove(root: FileRoot): Promise<void> {
    this.#stored.delete(root)
    await this.#closeReader(root)
    for (const kind of ['', PARTIAL, TREE, LINES]) await rm(this.#path(root, kind), { force: true })
  }

  async close(): Promise<void> {
    for (const root of [...this.#readers.keys()]) await this.#closeReader(root)
  }

  async #list(): Promise<void> {
    const names = new Set(
      await readdir(this.#directory).catch(error => {
        if (systemCode(error) === 'ENOENT') return []
        throw error
      }),
    )
    for (const name of names) {
      if (DRAFT.test(name)) await rm(path.join(this.#directory, name), { force: true })
      const root = name.endsWith(TREE) ? fileRootOf(name.slice(0, -TREE.length)) : undefined
      if (root === undefined) continue
      const size = await withRegularFile(this.#path(root, TREE), handle => TreeFile.sizeIn(handle))
      if (size === undefined) continue
      const lines = new Set(names.has(root + LINES) ? await this.#readLines(root) : [])
      this.#stored.set(root, { root, size, isComplete: names.has(root), lines })
    }
  }

  async #add(source: SentContent, { signal, onProgress }: FileWork): Promise<FileId> {
    const { size } = source
    if (size > FILE_BYTES_MAX) throw tooLarge()
    const free = await this.free()
    if (free > 0 && size > free)
      // some file systems always report 0
      throw new ChatError('FILE_UNUSABLE', 'not sent: its copy is larger than the space that the disk has left')
    await makeDirectory(this.#directory)
    const draft = path.join(this.#directory, `draft-${hexOf(this.#random.bytes(DRAFT_BYTES))}`)
    try {
      const handle = await open(draft, 'wx', 0o600)
      try {
        const tree = await hashedCopy(source, handle, signal, bytes => onProgress(bytes, size))
        await handle.sync()
        return await this.#keep(draft, tree, handle)
      } finally {
        await handle.close()
      }
    } finally {
      await rm(draft, { force: true })
    }
  }

  /** Stores an open draft as a complete file. */
  async #keep(draft: string, tree: HashTree, content: FileHandle): Promise<FileId> {
    const { root, size, top, hashes } = tree
    this.#added.add(root)
    const stored = this.#stored.get(root)
    if (stored?.isComplete !== true) {
      const handle = await open(this.#path(root, TREE), 'w', 0o600)
      try {
        const file = new TreeFile(handle, tree)
        await file.writeSize()
        await file.writeTop(top)
        await file.writeHashes(hashes)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(draft, this.#path(root))
      await syncDirectory(this.#directory)
      const lines = stored?.lines ?? new Set<string>()
      this.#stored.set(root, { root, size, isComplete: true, lines, stamp: stampOf(content) })
    }
    return { root, size }
  }

  /** Returns false if the name is taken. */
  async #saveAs(root: FileRoot, target: string): Promise<boolean> {
    try {
      await link(this.#path(root), target)
      return true
    } catch (error) {
      if (systemCode(error) === 'EEXIST') return false
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') throw error
    }
    const source = await open(this.#path(root), 'r')
    try {
      const content = source.createReadStream({ highWaterMark: READ_BYTES, autoClose: false })
      await createFile(target, content, this.#random)
      return true
    } catch (error) {
      if (systemCode(error) === 'EEXIST') return false
      throw error
    } finally {
      await source.close()
    }
  }

  async #reader(root: FileRoot): Promise<ContentReader | undefined> {
    const stored = this.#stored.get(root)
    if (stored?.isComplete !== true) return undefined
    const reader =
      this.#readers.get(root) ?? ContentReader.open(stored, this.#path(root), this.#path(root, TREE), stored.stamp)
    this.#readers.delete(root)
    this.#readers.set(root, reader)
    const [oldest] = this.#readers.keys()
    if (this.#readers.size > READERS_MAX && oldest !== undefined) await this.#closeReader(oldest)
    return reader.catch(() => {
      this.#readers.delete(root)
      return undefined
    })
  }

  async #closeReader(root: FileRoot): Promise<void> {
    const reader = this.#readers.get(root)
    this.#readers.delete(root)
    await (await reader?.catch(() => undefined))?.close()
  }

  async #readLines(root: FileRoot): Promise<string[]> {
    try {
      const text = await withRegularFile(this.#path(root, LINES), handle => handle.readFile('utf8'))
      const lines: unknown = JSON.parse(text)
      return Array.isArray(lines) ? lines.filter(line => typeof line === 'string') : []
    } catch {
      return [] // the lines are found in the log
    }
  }

  #writeLines({ root, lines }: Stored): Promise<void> {
    return replaceFile(this.#path(root, LINES), JSON.stringify([...lines]), this.#random)
  }

  #path(root: FileRoot, kind = ''): string {
    return path.join(this.#directory, root + kind)
  }
}

/** Copies a file, and hashes the bytes that are copied, so that the tree matches the copy even if the file changes at the same time. */
async function hashedCopy(
  source: SentContent,
  target: FileHandle,
  signal: AbortSignal,
  onProgress: (bytes: number) => void,
): Promise<HashTree> {
  const pages: Buffer[] = []
  let hashes = 0
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  let size = 0
  for (;;) {
    signal.throwIfAborted()
    let filled = 0
    while (filled < buffer.length) {
      const { bytesRead } = await source.read(buffer, filled, buffer.length - filled, size + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    const read = buffer.subarray(0, filled)
    for (let at = 0; at < filled; at += CHUNK_BYTES, hashes++) {
      const place = hashes % PAGE_HASHES_MAX
      if (place === 0) pages.push(Buffer.alloc(PAGE_HASHES_MAX * HASH_BYTES))
      pages.at(-1)?.set(chunkHash(read.subarray(at, at + CHUNK_BYTES)), place * HASH_BYTES)
    }
    await writeAll(target, read, size)
    size += filled
    onProgress(size)
    if (size > FILE_BYTES_MAX) throw tooLarge()
    if (filled < buffer.length) return treeOf(size, Buffer.concat(pages, hashes * HASH_BYTES))
  }
}

const tooLarge = (): ChatError =>
  new ChatError('FILE_UNUSABLE', `not sent: a file has at most ${FILE_BYTES_MAX / 2 ** 30} GiB`)

function fileError(what: string, cause: unknown): ChatError {
  // The system's message names files of this store.
  const isAbsent = systemCode(cause) === 'ENOENT'
  const { message } = isAbsent ? { message: `${what}: no such file or directory` } : diskError(what, cause)
  return new ChatError('FILE_UNUSABLE', message, { cause })
}
