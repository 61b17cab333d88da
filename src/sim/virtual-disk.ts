import type { Millis } from '../base/clock.js'
import type { SeededRandom } from '../base/seeded-random.js'
import type { Range, Row, Store, Write } from '../log/store/store.js'
import type { Lifecycle } from './lifecycle.js'
import { owned, pagesOf, SortedRows } from './sorted-rows.js'
import type { VirtualTime } from './virtual-time.js'

/** How long a disk takes, at most. */
const COMMIT_MS_MAX: Millis = 8
const READ_MS_MAX: Millis = 4
const REOPEN_MS: Millis = 20
const PAGE_ROWS = 16

/** What outlives a process and a power cut. A machine has one. */
export class VirtualDisk {
  readonly #time: VirtualTime
  readonly #chance: SeededRandom
  /** What a power cut leaves. */
  #synced = new SortedRows()
  /** Written, and not yet synced, in order. */
  #unsynced: (readonly Write[])[] = []
  #version = 0
  /** Whether writes fail, as on a full disk. */
  isFull = false

  constructor(time: VirtualTime, chance: SeededRandom) {
    this.#time = time
    this.#chance = chance
  }

  /** A store on this disk for as long as its process lives. To open is to sync, for LevelDB writes its journal anew. */
  open(life: Lifecycle): VirtualStore {
    this.sync()
    return new VirtualStore(this, this.#time, this.#chance, life)
  }

  /** Changes whenever the synced rows change. */
  get version(): number {
    return this.#version
  }

  /** The last row of a range that a power cut now would leave. */
  lastSynced(range: Range): Row | undefined {
    return this.#synced.page({ ...range, reverse: true }, 1)[0]
  }

  /** What a process finds. */
  rows(): SortedRows {
    const rows = new SortedRows(this.#synced)
    for (const writes of this.#unsynced) rows.apply(writes)
    return rows
  }

  write(writes: readonly Write[]): void {
    this.#unsynced.push(writes)
  }

  /** On the disk for good, with all that was written before. */
  sync(): void {
    if (this.#unsynced.length === 0) return
    for (const writes of this.#unsynced.splice(0)) this.#synced.apply(writes)
    this.#version++
  }

  /** The power is cut: of what is not synced only the first of it, by chance, is on the disk. */
  cutPower(): void {
    const kept = this.#chance.whole(0, this.#unsynced.length)
    for (const writes of this.#unsynced.slice(0, kept)) this.#synced.apply(writes)
    this.#unsynced = []
    this.#version++
  }

  /** What stands on it now, as a backup. */
  backUp(): SortedRows {
    return this.rows()
  }

  /** What stood on it when the backup was made stands on it again, and nothing else. */
  restore(backup: SortedRows): void {
    this.#synced = new SortedRows(backup)
    this.#unsynced = []
    this.#version++
  }
}

/**
 * A store that takes virtual time. After a failed commit it behaves as LevelDB was seen to: the handle goes on taking
 * commits and reads them back, but they are gone once the database is opened again.
 */
export class VirtualStore implements Store {
  readonly #disk: VirtualDisk
  readonly #time: VirtualTime
  readonly #chance: SeededRandom
  readonly #life: Lifecycle
  #view: SortedRows
  #isBroken = false
  #isClosed = false

  constructor(disk: VirtualDisk, time: VirtualTime, chance: SeededRandom, life: Lifecycle) {
    this.#disk = disk
    this.#time = time
    this.#chance = chance
    this.#life = life
    this.#view = disk.rows()
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    await this.#read()
    return this.#view.get(key)
  }

  pages(range: Range): AsyncGenerator<readonly Row[]> {
    return pagesOf(range, async left => {
      await this.#read()
      return this.#view.page(left, PAGE_ROWS)
    })
  }

  async *keys(range: Range): AsyncGenerator<readonly Uint8Array[]> {
    for await (const page of this.pages(range)) yield page.map(([key]) => key)
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.#check()
    const mine = owned(writes)
    await this.#wait(this.#chance.between(0, COMMIT_MS_MAX))
    if (this.#isBroken) {
      this.#view.apply(mine)
      return
    }
    if (this.#disk.isFull) {
      this.#isBroken = true
      if (this.#chance.is(0.5)) {
        this.#disk.write(mine)
        this.#disk.sync()
      }
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    }
    // From here to the sync a power cut may leave it or not.
    this.#disk.write(mine)
    await this.#wait(this.#chance.between(0, COMMIT_MS_MAX))
    this.#disk.sync()
    this.#view.apply(mine)
  }

  async reopen(): Promise<void> {
    this.#check()
    await this.#wait(REOPEN_MS)
    if (this.#disk.isFull) throw new Error('still no space left on device')
    this.#disk.sync()
    this.#view = this.#disk.rows()
    this.#isBroken = false
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  async #read(): Promise<void> {
    this.#check()
    if (this.#life.isOver || this.#chance.is(0.3)) await this.#wait(this.#chance.between(0, READ_MS_MAX))
  }

  /** Whoever is dead waits for ever. */
  #wait(delayMs: Millis): Promise<void> {
    return new Promise(resolve => {
      this.#time.after(delayMs, () => this.#life.act(resolve))
    })
  }

  #check(): void {
    if (this.#isClosed) throw new Error('the store is closed')
  }
}
