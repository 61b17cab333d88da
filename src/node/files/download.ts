import type { Cancel, Clock, Millis } from '../../base/clock.js'
import { diskError } from '../../base/files/disk-faults.js'
import type { FileChannel, SpaceFor } from '../../files/exchange/file-channel.js'
import type { Piece } from '../../files/exchange/frames.js'
import type { Bitmap } from '../../files/format/bitmap.js'
import { type FileId, pagesIn } from '../../files/format/hash-tree.js'
import { inSpace } from '../../files/store/content-reader.js'
import type { FileStore } from '../../files/store/file-store.js'
import type { PartialContent } from '../../files/store/partial-content.js'
import { type HolderId, Transfer, type TransferEffect } from '../../files/transfer/transfer.js'

const TICK_MS: Millis = 1_000
/** How often its progress is reported. */
const REPORT_MS: Millis = 100

/** How much of a file is fetched. */
export interface FileProgress {
  readonly bytes: number
  readonly of: number
  /** How many connected peers have chunks of the file. */
  readonly holders: number
}

export interface DownloadParts {
  readonly store: FileStore
  readonly channels: ReadonlyMap<HolderId, FileChannel>
  readonly clock: Clock
  readonly random: () => number
}

/** Fetches the content of one file from the peers that have it, until it is complete, the last waiter gives up, or the disk fails. */
export class Download {
  readonly file: FileId
  /** Resolves when its file exists. Rejects with DATA_UNUSABLE. */
  readonly begun: Promise<void>
  /** Resolves when it is complete. Rejects with the reason why it is not. */
  readonly done: Promise<void>
  readonly #parts: DownloadParts
  readonly #abort = new AbortController()
  readonly #watchers = new Set<(progress: FileProgress) => void>()
  #partial: PartialContent | undefined
  #transfer: Transfer | undefined
  #writing = 0
  #reportedAt: Millis = 0
  #cancelTick: Cancel = () => {}
  #settle!: { resolve: () => void; reject: (error: unknown) => void }

  constructor(file: FileId, parts: DownloadParts) {
    this.file = file
    this.#parts = parts
    const ended = new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    const partial = parts.store.begin(file)
    this.begun = partial.then(() => {})
    this.done = this.#run(partial, ended)
    // The waiters handle a rejection.
    for (const promise of [ended, this.begun, this.done]) promise.catch(() => {})
  }

  /** Waits until the content is complete. The download ends when its last waiter gives up. Rejects with the reason of the signal, or of the failure. */
  async wait(signal: AbortSignal, onProgress: (progress: FileProgress) => void): Promise<void> {
    signal.throwIfAborted()
    this.#watchers.add(onProgress)
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    try {
      await Promise.race([this.done, aborted])
    } finally {
      this.#watchers.delete(onProgress)
      if (this.#watchers.size === 0) this.end(signal.reason)
    }
  }

  /** Ends the download, unless it is complete. */
  end(reason: unknown): void {
    this.#abort.abort(reason)
    this.#settle.reject(reason)
  }

  /** Whether the download was ended; its files may still be open. */
  get isEnded(): boolean {
    return this.#abort.signal.aborted
  }

  /** The chunks that are stored. */
  get stored(): Bitmap | undefined {
    return this.#transfer?.stored
  }

  /** A stored piece, in memory from `spaceFor`; undefined if it is not stored. */
  async read(piece: Piece, spaceFor: SpaceFor): Promise<Uint8Array | undefined> {
    const hashes = this.#transfer?.hashes(piece)
    if (piece.level !== 'chunk') return hashes && inSpace(hashes, spaceFor)
    return this.stored?.has(piece.index) === true ? this.#partial?.chunk(piece.index, spaceFor) : undefined
  }

  connected(id: HolderId): void {
    this.#perform(this.#transfer?.connected(id, this.#now))
  }

  disconnected(id: HolderId): void {
    this.#perform(this.#transfer?.disconnected(id, this.#now))
  }

  holding(id: HolderId, bitmap: Uint8Array | undefined): void {
    this.#perform(this.#transfer?.holding(id, bitmap, this.#now))
  }

  received(id: HolderId, piece: Piece, bytes: Uint8Array): void {
    this.#perform(this.#transfer?.received(id, piece, bytes, this.#now))
  }

  absent(id: HolderId, piece: Piece): void {
    this.#perform(this.#transfer?.absent(id, piece, this.#now))
  }

  get #now(): Millis {
    return this.#parts.clock.now()
  }

  async #run(begun: Promise<PartialContent>, ended: Promise<void>): Promise<void> {
    const { store, channels, random } = this.#parts
    const { signal } = this.#abort
    const partial = await begun
    try {
      const stored = await partial.stored(signal, bytes => this.#report({ bytes, of: this.file.size, holders: 0 }))
      this.#partial = partial
      this.#transfer = new Transfer(this.file, stored, Math.floor(random() * pagesIn(this.file.size)))
      for (const id of channels.keys()) this.connected(id)
      this.#tick()
      this.#completeIfDone()
      await ended
      this.#cancelTick()
      await store.complete(this.file.root, partial)
    } catch (error) {
      this.#cancelTick()
      this.#transfer = undefined
      await partial.close()
      throw error
    }
  }

  #tick(): void {
    this.#cancelTick = this.#parts.clock.after(TICK_MS, () => {
      this.#perform(this.#transfer?.passed(this.#now))
      this.#reportTransfer()
      this.#tick()
    })
  }

  #perform(effects: readonly TransferEffect[] = []): void {
    for (const effect of effects) {
      if (effect.kind === 'store') void this.#store(effect.piece, effect.bytes)
      else {
        const channel = this.#parts.channels.get(effect.holder)
        if (effect.kind === 'query') channel?.query(this.file)
        else if (effect.kind === 'request') channel?.request(this.file.root, effect.piece)
        else channel?.break()
      }
    }
  }

  async #store(piece: Piece, bytes: Uint8Array): Promise<void> {
    this.#writing++
    try {
      await this.#partial?.write(piece, bytes)
      this.#writing--
      this.#perform(this.#transfer?.written(piece, this.#now))
      this.#reportTransfer()
      this.#completeIfDone()
    } catch (error) {
      this.#writing--
      this.end(diskError('the file cannot be stored', error))
    }
  }

  #completeIfDone(): void {
    if (this.#transfer?.isComplete === true && this.#writing === 0) this.#settle.resolve()
  }

  #reportTransfer(): void {
    if (this.#transfer === undefined || this.#now - this.#reportedAt < REPORT_MS) return
    this.#reportedAt = this.#now
    const { bytes, holders } = this.#transfer
    this.#report({ bytes, of: this.file.size, holders })
  }

  #report(progress: FileProgress): void {
    for (const watch of this.#watchers) watch(progress)
  }
}
