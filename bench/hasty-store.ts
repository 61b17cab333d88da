import type { LevelStore } from '../src/log/store/level-store.js'
import type { Range, Row, Store, Write } from '../src/log/store/store.js'

/** Writes that are committed together. */
const PENDING_WRITES_MAX = 10_000

/**
 * Acknowledges writes before they reach the disk, to fill a database with single appends quickly. The resulting database is the
 * same. With `isHiding` it hides stored segments from the background task, which then joins none of them.
 */
export class HastyStore implements Store {
  readonly #store: LevelStore
  readonly #isHiding: boolean
  #pending: Write[] = []
  #reads = 0

  constructor(store: LevelStore, isHiding: boolean) {
    this.#store = store
    this.#isHiding = isHiding
  }

  async commit(writes: readonly Write[]): Promise<void> {
    // Lets the background task run, as it would while a real disk syncs.
    while (this.#reads > 0) await new Promise(setImmediate)
    this.#pending.push(...writes)
    if (this.#pending.length > PENDING_WRITES_MAX) await this.#flush()
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    await this.#flush()
    return this.#store.get(key)
  }

  async *pages(range: Range): AsyncGenerator<readonly Row[]> {
    yield* this.#read(() => this.#store.pages(range))
  }

  async *keys(range: Range): AsyncGenerator<readonly Uint8Array[]> {
    yield* this.#read(() => this.#store.keys(range))
  }

  async reopen(): Promise<void> {
    await this.#store.reopen()
  }

  async close(): Promise<void> {
    await this.#flush()
    await this.#store.close()
  }

  async *#read<T>(pages: () => AsyncGenerator<T>): AsyncGenerator<T> {
    if (this.#isHiding) return
    this.#reads++
    try {
      await this.#flush()
      yield* pages()
    } finally {
      this.#reads--
    }
  }

  async #flush(): Promise<void> {
    const writes = this.#pending
    this.#pending = []
    if (writes.length > 0) await this.#store.commit(writes)
  }
}
