import type { Millis } from '../../base/clock.js'
import type { SeededRandom } from '../../base/seeded-random.js'
import type { Range, Row, Store, Write } from '../../log/store/store.js'
import type { Lifecycle } from './lifecycle.js'
import { owned, pagesOf, SortedRows } from './sorted-rows.js'
import type { VirtualTime } from './time.js'

/** Longest delays of disk operations. */
const COMMIT_MS_MAX: Millis = 8
const READ_MS_MAX: Millis = 4
const REOPEN_MS: Millis = 20
const PAGE_ROWS = 16

/** The disk of a machine: it outlives processes and power cuts. */
export class VirtualDisk {
  readonly #time: VirtualTime
  readonly #random: SeededRandom
  /** Rows that survive a power cut. */
  #synced = new SortedRows()
  /** Writes that are not synced yet, in order. */
  #unsynced: (readonly Write[])[] = []
  #version = 0
  /** Whether writes fail because the disk is full. */
  isFull = false

  constructor(time: VirtualTime, random: SeededRandom) {
    this.#time = time
    this.#random = random
  }

  /** A store for one process. Opening syncs, because LevelDB rewrites its journal. */
  open(life: Lifecycle): VirtualStore {
    this.sync()
    return new VirtualStore(this, this.#time, this.#random, life)
  }

  /** A number that changes whenever the synced rows change. */
  get version(): number {
    return this.#version
  }

  /** The last row of a range that would survive a power cut now. */
  lastSynced(range: Range): Row | undefined {
    return this.#synced.page({ ...range, reverse: true }, 1)[0]
  }

  /** The rows that a new process reads. */
  rows(): SortedRows {
    const rows = new SortedRows(this.#synced)
    for (const writes of this.#unsynced) rows.apply(writes)
    return rows
  }

  write(writes: readonly Write[]): void {
    this.#unsynced.push(writes)
  }

  /** Syncs all writes so far. */
  sync(): void {
    if (this.#unsynced.length === 0) return
    for (const writes of this.#unsynced.splice(0)) this.#synced.apply(writes)
    this.#version++
  }

  /** Cuts the power: a random prefix of the unsynced writes survives. */
  cutPower(): void {
    const kept = this.#random.whole(0, this.#unsynced.length)
    for (const writes of this.#unsynced.slice(0, kept)) this.#synced.apply(writes)
    this.#unsynced = []
    this.#version++
  }

  /** A copy of the disk's present content. */
  backUp(): SortedRows {
    return this.rows()
  }

  /** Replaces the disk's content with a backup. */
  restore(backup: SortedRows): void {
    this.#synced = new SortedRows(backup)
    this.#unsynced = []
    this.#version++
  }
}

/**
 * A store that takes virtual time. After a failed commit it behaves like LevelDB: the handle accepts further commits and reads
 * them back, but they are lost when the database is reopened.
 */
export class VirtualStore implements Store {
  readonly #disk: VirtualDisk
  readonly #time: VirtualTime
  readonly #random: SeededRandom
  readonly #life: Lifecycle
  #view: SortedRows
  #isBroken = false
  #isClosed = false

  constructor(disk: VirtualDisk, time: VirtualTime, random: SeededRandom, life: Lifecycle) {
    this.#disk = disk
    this.#time = time
    this.#random = random
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
    await this.#wait(this.#random.between(0, COMMIT_MS_MAX))
    if (this.#isBroken) {
      this.#view.apply(mine)
      return
    }
    if (this.#disk.isFull) {
      this.#isBroken = true
      if (this.#random.is(0.5)) {
        this.#disk.write(mine)
        this.#disk.sync()
      }
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    }
    // Until the sync, the write may or may not survive a power cut.
    this.#disk.write(mine)
    await this.#wait(this.#random.between(0, COMMIT_MS_MAX))
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
    if (this.#life.isOver || this.#random.is(0.3)) await this.#wait(this.#random.between(0, READ_MS_MAX))
  }

  /** Waits. Never resolves for a process that has ended. */
  #wait(delayMs: Millis): Promise<void> {
    return new Promise(resolve => {
      this.#time.after(delayMs, () => this.#life.act(resolve))
    })
  }

  #check(): void {
    if (this.#isClosed) throw new Error('the store is closed')
  }
}
