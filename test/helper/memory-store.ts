import type { Range, Row, Store, Write } from '../../src/log/store/store.js'
import { owned, pagesOf, SortedRows } from '../../src/sim/virtual/sorted-rows.js'

/** The content of a disk, which outlives the stores opened on it. */
export class MemoryDisk {
  #rows = new SortedRows()

  write(writes: readonly Write[]): void {
    this.#rows.apply(owned(writes))
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.get(key)
  }

  /** The first `count` rows of a range. */
  rows(range: Range, count: number): Row[] {
    return this.#rows.page(range, count)
  }

  copy(): MemoryDisk {
    const copy = new MemoryDisk()
    copy.#rows = new SortedRows(this.#rows)
    return copy
  }
}

/** A store in memory that counts its calls. Each call takes one turn of the event loop. */
export class MemoryStore implements Store {
  rowsRead = 0
  commits = 0
  isClosed = false
  protected view: MemoryDisk
  readonly #pageRows: number

  constructor(disk: MemoryDisk = new MemoryDisk(), pageRows = 100) {
    this.view = disk
    this.#pageRows = pageRows
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    await this.turn()
    this.rowsRead++
    return this.view.get(key)
  }

  pages(range: Range): AsyncGenerator<readonly Row[]> {
    return pagesOf(range, async left => {
      await this.turn()
      const page = this.view.rows(left, this.#pageRows)
      this.rowsRead += page.length
      return page
    })
  }

  async *keys(range: Range): AsyncGenerator<readonly Uint8Array[]> {
    for await (const page of this.pages(range)) yield page.map(([key]) => key)
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.commits++
    await this.turn()
    this.view.write(writes)
  }

  async reopen(): Promise<void> {
    await this.turn()
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  protected async turn(): Promise<void> {
    if (this.isClosed) throw new Error('the store is closed')
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** A store whose commits wait while it is paused. */
export class PausedStore extends MemoryStore {
  #pause: { readonly until: Promise<void>; readonly release: () => void } | undefined

  pause(): void {
    let release = (): void => {}
    const until = new Promise<void>(resolve => {
      release = resolve
    })
    this.#pause = { until, release }
  }

  resume(): void {
    this.#pause?.release()
    this.#pause = undefined
  }

  override async commit(writes: readonly Write[]): Promise<void> {
    await this.#pause?.until
    await super.commit(writes)
  }
}
