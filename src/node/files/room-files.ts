import type { Clock } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import { EMPTY } from '../../base/wire/bytes.js'
import { FileChannel, type FileListener, type FileSource } from '../../files/exchange/file-channel.js'
import { type FileId, type FileRoot, isTop } from '../../files/format/hash-tree.js'
import type { FileStore, FileWork } from '../../files/store/file-store.js'
import type { HolderId } from '../../files/transfer/transfer.js'
import { type AuthorId, authorOf } from '../../log/format/author.js'
import type { Hlc } from '../../log/format/hybrid-clock.js'
import type { Log } from '../../log/log.js'
import type { Connection, RoomChannels } from '../../net/room-channels.js'
import { Download, type FileProgress } from './download.js'
import { FileLines, type FileLinesParts } from './file-lines.js'
import { GivenFiles } from './given-files.js'

export interface RoomFilesParts {
  readonly store: FileStore
  readonly log: FileLinesParts['log'] & Pick<Log, 'entry'>
  readonly channels: RoomChannels
  readonly clock: Clock
  readonly random: () => number
  /** The date of the first lines that a peer is given; undefined for all lines. */
  readonly linesFrom: (peer: AuthorId) => Hlc | undefined
}

export interface FetchOptions {
  readonly signal: AbortSignal
  readonly onProgress: (progress: FileProgress) => void
  /** Whether to fetch a file that is larger than the free space of the disk. */
  readonly isConfirmed: boolean
}

/**
 * The file contents of a room: stores the files that the user sends or requests, fetches them, and serves them to the
 * peers in the room.
 */
export class RoomFiles {
  readonly #parts: RoomFilesParts
  readonly #channels = new Map<HolderId, FileChannel>()
  readonly #downloads = new Map<FileRoot, Download>()
  readonly #lines: FileLines

  constructor(parts: RoomFilesParts) {
    this.#parts = parts
    const { channels } = parts
    this.#lines = new FileLines({ ...parts, remove: root => this.#remove(root) })
    channels.on('files', ({ id, remote }, stream) => {
      const channel = new FileChannel(stream, this.#sourceFor(remote), this.#listener(id))
      this.#channels.set(id, channel)
      stream.once('close', () => this.#closed(id, channel))
      for (const download of this.#downloads.values()) download.connected(id)
    })
    channels.on('connection', () => {
      if (this.#downloads.size > 0) channels.openFiles()
    })
  }

  /**
   * Copies a file of the user into the store. Removes the metadata of a picture, unless `isRaw`. Rejects with
   * FILE_UNUSABLE, or the reason of the signal.
   */
  add(file: string, work: FileWork, isRaw: boolean): Promise<FileId> {
    return this.#parts.store.add(file, work, isRaw)
  }

  /** Records that a line refers to the content of a file. */
  refer(root: FileRoot, line: string): Promise<void> {
    return this.#parts.store.refer(root, line)
  }

  /**
   * Fetches the file that `line` refers to, and saves it in a directory; waits until a peer that has it is connected. Resolves with the
   * path. Rejects with FILE_UNUSABLE, DATA_UNUSABLE or the reason of the signal.
   */
  async get(
    file: FileId,
    line: string,
    place: { directory: string; name: string },
    options: FetchOptions,
  ): Promise<string> {
    const { store } = this.#parts
    const { signal, onProgress } = options
    const isHere =
      store.isComplete(file) &&
      (await store.isSound(file.root, {
        signal,
        onProgress: bytes => onProgress({ bytes, of: file.size, holders: 0 }),
      }))
    if (!isHere) await this.#fetch(file, line, options)
    await store.refer(file.root, line)
    return store.save(file.root, place.directory, place.name)
  }

  /** Deletes file content that no line refers to any more. */
  async #remove(root: FileRoot): Promise<void> {
    const download = this.#downloads.get(root)
    download?.end(new ChatError('FILE_UNUSABLE', 'no line here refers to the file any more'))
    await download?.done.catch(() => {})
    await this.#parts.store.remove(root)
  }

  /** Resolves when the contents of all lines that were dropped so far are deleted. */
  settled(): Promise<void> {
    return this.#lines.settled()
  }

  async close(): Promise<void> {
    await this.#lines.close()
    const downloads = [...this.#downloads.values()]
    for (const download of downloads) download.end(new ChatError('LOG_CLOSED', 'the room was closed'))
    await Promise.allSettled(downloads.map(({ done }) => done))
    await this.#parts.store.close()
  }

  async #fetch(file: FileId, line: string, { signal, onProgress, isConfirmed }: FetchOptions): Promise<void> {
    const { store, channels } = this.#parts
    if (!isConfirmed && !this.#downloads.has(file.root) && !(await store.hasSpaceFor(file)))
      throw new ChatError('FILE_UNUSABLE', 'not fetched: it is larger than the space that the disk has left')
    const before = this.#downloads.get(file.root)
    if (before?.isEnded) await before.done.catch(() => {})
    // No await from this check to `#start`, so that concurrent calls share one download.
    if (store.isComplete(file)) return
    const running = this.#downloads.get(file.root)
    const isGenuine = file.size > 0 || isTop(file, EMPTY)
    if (store.hasRoot(file.root) || (running !== undefined && running.file.size !== file.size) || !isGenuine)
      throw new ChatError('FILE_UNUSABLE', 'not fetched: the line states a wrong size')
    const download = running ?? this.#start(file)
    channels.openFiles()
    const referred = download.begun.then(() => store.refer(file.root, line))
    await Promise.all([download.wait(signal, onProgress), referred])
  }

  #start(file: FileId): Download {
    const { store, clock, random } = this.#parts
    const download = new Download(file, { store, channels: this.#channels, clock, random })
    this.#downloads.set(file.root, download)
    const ended = (): void => void this.#downloads.delete(file.root)
    download.done.then(ended, ended)
    return download
  }

  #downloadOf({ root, size }: FileId): Download | undefined {
    const download = this.#downloads.get(root)
    return download?.file.size === size ? download : undefined
  }

  /** Serves a peer the contents that it is given. */
  #sourceFor(remote: Connection['remote']): FileSource {
    const { store, log, linesFrom } = this.#parts
    const peer = remote.kind === 'native' ? authorOf(remote.key) : undefined
    const from = (): Hlc | undefined => (peer === undefined ? undefined : linesFrom(peer))
    const given = new GivenFiles({ log, store, peer, from })
    return {
      holding: async file => {
        if (!(await given.has(file.root))) return undefined
        return store.isComplete(file) ? 'all' : this.#downloadOf(file)?.stored
      },
      read: async (root, piece, spaceFor) => {
        if (!(await given.has(root))) return undefined
        return store.hasRoot(root)
          ? store.read(root, piece, spaceFor)
          : this.#downloads.get(root)?.read(piece, spaceFor)
      },
    }
  }

  #listener(id: HolderId): FileListener {
    return {
      holding: (root, bitmap) => this.#downloads.get(root)?.holding(id, bitmap),
      part: (root, piece, bytes) => this.#downloads.get(root)?.received(id, piece, bytes),
      absent: (root, piece) => this.#downloads.get(root)?.absent(id, piece),
    }
  }

  #closed(id: HolderId, channel: FileChannel): void {
    if (this.#channels.get(id) !== channel) return
    this.#channels.delete(id)
    for (const download of this.#downloads.values()) download.disconnected(id)
  }
}
