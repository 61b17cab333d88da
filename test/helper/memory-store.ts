import type { Range, Row, Store, Write } from '../../src/log/store.js'

/** Rows in order of their bytes: what stands on a disk, and outlives every store that is opened on it. */
export class MemoryDisk {
  readonly #values = new Map<string, Uint8Array>()
  #sorted: string[] | undefined

  write(writes: readonly Write[]): void {
    for (const write of writes) {
      const key = Buffer.from(write.key).toString('latin1')
      if (write.type === 'del' ? this.#values.delete(key) : !this.#values.has(key)) this.#sorted = undefined
      if (write.type === 'put') this.#values.set(key, Uint8Array.from(write.value))
    }
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#values.get(Buffer.from(key).toString('latin1'))
  }

  /** The first `count` rows of a range. */
  rows({ gte, lt, reverse = false, limit = Number.POSITIVE_INFINITY }: Range, count: number): Row[] {
    this.#sorted ??= [...this.#values.keys()].sort()
    const from = firstNotBelow(this.#sorted, Buffer.from(gte).toString('latin1'))
    const to = firstNotBelow(this.#sorted, Buffer.from(lt).toString('latin1'))
    const most = Math.min(count, limit)
    const keys = reverse
      ? this.#sorted.slice(Math.max(from, to - most), to).reverse()
      : this.#sorted.slice(from, Math.min(to, from + most))
    return keys.map(key => [Buffer.from(key, 'latin1'), this.#values.get(key) ?? new Uint8Array(0)])
  }

  copy(): MemoryDisk {
    const copy = new MemoryDisk()
    for (const [key, value] of this.#values) copy.#values.set(key, value)
    return copy
  }
}

/** A store in memory, one turn of the event loop a call, that counts what is asked of it. */
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

  async *pages(range: Range): AsyncGenerator<readonly Row[]> {
    let { gte, lt, limit = Number.POSITIVE_INFINITY } = range
    while (limit > 0) {
      await this.turn()
      const page = this.view.rows({ ...range, gte, lt, limit }, this.#pageRows)
      const last = page.at(-1)
      if (last === undefined) return
      limit -= page.length
      this.rowsRead += page.length
      if (range.reverse) lt = last[0]
      else gte = Buffer.concat([last[0], Buffer.of(0)])
      yield page
    }
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

function firstNotBelow(sorted: readonly string[], key: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}
