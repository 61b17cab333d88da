import type { CommitQueue } from './commit-queue.js'
import { after, type Range, type Row, type Store, type Write } from './store.js'

/** Rows under a prefix of their own in the database of a room, written in the same commits as its logs. */
export class SharedRows {
  readonly #prefix: Uint8Array
  readonly #store: Store
  readonly #queue: CommitQueue

  constructor(prefix: Uint8Array, store: Store, queue: CommitQueue) {
    this.#prefix = prefix
    this.#store = store
    this.#queue = queue
  }

  /** All rows, in the order of their keys, without the prefix. */
  async all(): Promise<Row[]> {
    return this.#read({ gte: this.#prefix, lt: after(this.#prefix) })
  }

  /** The rows in a range of keys, which lack the prefix. */
  within({ gte, lt }: Range): Promise<Row[]> {
    return this.#read({ gte: Buffer.concat([this.#prefix, gte]), lt: Buffer.concat([this.#prefix, lt]) })
  }

  async #read(range: Range): Promise<Row[]> {
    const rows: Row[] = []
    for await (const page of this.#store.pages(range))
      for (const [key, value] of page) rows.push([key.subarray(this.#prefix.length), value])
    return rows
  }

  /** Resolves when all of `writes`, whose keys lack the prefix, are on disk. Rejects like `CommitQueue.write`. */
  write(writes: readonly Write[]): Promise<void> {
    return this.#queue.write(writes.map(write => ({ ...write, key: Buffer.concat([this.#prefix, write.key]) })))
  }
}
