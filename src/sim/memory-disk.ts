import type { Millis } from '../base/clock.js'
import type { Range, Row, Store, Write } from '../log/store.js'
import type { Chance } from './chance.js'
import type { VirtualTime } from './virtual-time.js'

/** How long a disk takes, at most. */
const COMMIT_MS_MAX: Millis = 8
const READ_MS_MAX: Millis = 4
const REOPEN_MS: Millis = 20
/** When an operating system writes by itself what nobody asked it to sync. */
const LAZY_SYNC_MS: Millis = 5_000
const PAGE_ROWS = 16

/** Rows in order of their bytes. */
class Rows {
  readonly #values: Map<string, Uint8Array>
  #keys: string[]

  constructor(other?: Rows) {
    this.#values = new Map(other === undefined ? [] : other.#values)
    this.#keys = other === undefined ? [] : [...other.#keys]
  }

  apply(writes: readonly Write[]): void {
    for (const write of writes) {
      const key = keyText(write.key)
      const place = this.#firstNotBelow(key)
      const isThere = this.#keys[place] === key
      if (write.type === 'put') {
        if (!isThere) this.#keys.splice(place, 0, key)
        this.#values.set(key, Uint8Array.from(write.value))
      } else if (isThere) {
        this.#keys.splice(place, 1)
        this.#values.delete(key)
      }
    }
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const value = this.#values.get(keyText(key))
    return value && Uint8Array.from(value)
  }

  range({ gte, lt, reverse = false }: Range, count: number): Row[] {
    const from = this.#firstNotBelow(keyText(gte))
    const to = Math.max(from, this.#firstNotBelow(keyText(lt)))
    const keys = reverse
      ? this.#keys.slice(Math.max(from, to - count), to).reverse()
      : this.#keys.slice(from, Math.min(to, from + count))
    return keys.map(key => [Buffer.from(key, 'latin1'), Uint8Array.from(this.#values.get(key) ?? [])])
  }

  #firstNotBelow(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#keys[middle] ?? '') < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

const keyText = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')

/** What outlives a process and a power cut. A machine has one. */
export class MemoryDisk {
  readonly #time: VirtualTime
  readonly #chance: Chance
  /** What a power cut leaves. */
  #synced = new Rows()
  /** Written, and not yet synced, in order. */
  #unsynced: (readonly Write[])[] = []
  /** Whether writes fail, as on a full disk. */
  isFull = false

  constructor(time: VirtualTime, chance: Chance) {
    this.#time = time
    this.#chance = chance
  }

  /** A store on this disk for as long as its process is alive. To open is to sync, for LevelDB writes its journal anew. */
  open(isAlive: () => boolean): MemoryStore {
    this.sync()
    return new MemoryStore(this, this.#time, this.#chance, isAlive)
  }

  /** What a power cut now would leave under a key. */
  syncedValue(key: Uint8Array): Uint8Array | undefined {
    return this.#synced.get(key)
  }

  /** What a process finds. */
  rows(): Rows {
    const rows = new Rows(this.#synced)
    for (const writes of this.#unsynced) rows.apply(writes)
    return rows
  }

  write(writes: readonly Write[]): void {
    this.#unsynced.push(writes)
  }

  /** On the disk for good, with all that was written before. */
  sync(): void {
    for (const writes of this.#unsynced.splice(0)) this.#synced.apply(writes)
  }

  /** The power is cut: of what is not synced only the first of it, by chance, is on the disk. */
  cutPower(): void {
    const kept = this.#chance.whole(0, this.#unsynced.length)
    for (const writes of this.#unsynced.slice(0, kept)) this.#synced.apply(writes)
    this.#unsynced = []
  }
}

/**
 * A store that takes virtual time. After a failed commit it behaves as LevelDB was seen to: the handle goes on taking
 * commits and reads them back, but they are gone once the database is opened again.
 */
export class MemoryStore implements Store {
  readonly #disk: MemoryDisk
  readonly #time: VirtualTime
  readonly #chance: Chance
  readonly #isAlive: () => boolean
  #view: Rows
  #isBroken = false
  #isClosed = false

  constructor(disk: MemoryDisk, time: VirtualTime, chance: Chance, isAlive: () => boolean) {
    this.#disk = disk
    this.#time = time
    this.#chance = chance
    this.#isAlive = isAlive
    this.#view = disk.rows()
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    await this.#read()
    return this.#view.get(key)
  }

  async *pages(range: Range): AsyncGenerator<readonly Row[]> {
    let { gte, lt, limit = Number.POSITIVE_INFINITY } = range
    while (limit > 0) {
      await this.#read()
      const page = this.#view.range({ ...range, gte, lt }, Math.min(limit, PAGE_ROWS))
      const last = page.at(-1)
      if (last === undefined) return
      limit -= page.length
      if (range.reverse) lt = last[0]
      else gte = Buffer.concat([last[0], Buffer.of(0)])
      yield page
    }
  }

  async *keys(range: Range): AsyncGenerator<readonly Uint8Array[]> {
    for await (const page of this.pages(range)) yield page.map(([key]) => key)
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.#check()
    const owned = writes.map(write =>
      write.type === 'put' ? { ...write, value: Uint8Array.from(write.value) } : write,
    )
    if (this.#isBroken) {
      await this.#wait(this.#chance.between(0, COMMIT_MS_MAX))
      this.#view.apply(owned)
      return
    }
    if (this.#disk.isFull) {
      await this.#wait(this.#chance.between(0, COMMIT_MS_MAX))
      this.#isBroken = true
      if (this.#chance.is(0.5)) {
        this.#disk.write(owned)
        this.#disk.sync()
      }
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    }
    await this.#wait(this.#chance.between(0, COMMIT_MS_MAX))
    // From here to the sync a power cut may leave it or not.
    this.#disk.write(owned)
    await this.synced()
    this.#view.apply(owned)
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

  /** Resolves when what was written is on the disk. */
  protected async synced(): Promise<void> {
    await this.#wait(this.#chance.between(0, COMMIT_MS_MAX))
    this.#disk.sync()
  }

  /** For a control: leaves it to the system when to sync. */
  protected syncSometime(): void {
    this.#time.after(LAZY_SYNC_MS, () => this.#disk.sync())
  }

  async #read(): Promise<void> {
    this.#check()
    if (!this.#isAlive() || this.#chance.is(0.3)) await this.#wait(this.#chance.between(0, READ_MS_MAX))
  }

  /** Whoever is dead waits for ever. */
  #wait(delayMs: Millis): Promise<void> {
    return new Promise(resolve => {
      this.#time.after(delayMs, () => {
        if (this.#isAlive()) resolve()
      })
    })
  }

  #check(): void {
    if (this.#isClosed) throw new Error('the store is closed')
  }
}
