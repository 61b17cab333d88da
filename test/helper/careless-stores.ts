import { mkdir } from 'node:fs/promises'
import { Level } from 'level'
import type { LevelStore } from '../../src/log/store/level-store.js'
import type { Range, Row, Store, Write } from '../../src/log/store/store.js'

/** For the controls: a store whose commits resolve before they are synced. */
export class UnsyncedStore implements Store {
  readonly #database: Level<Uint8Array, Uint8Array>

  private constructor(database: Level<Uint8Array, Uint8Array>) {
    this.#database = database
  }

  static async open(directory: string): Promise<UnsyncedStore> {
    await mkdir(directory, { recursive: true })
    const database = new Level<Uint8Array, Uint8Array>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    await database.open()
    return new UnsyncedStore(database)
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#database.get(key)
  }

  async *pages(range: Range): AsyncGenerator<readonly Row[]> {
    for await (const row of this.#database.iterator(range)) yield [row]
  }

  async *keys(range: Range): AsyncGenerator<readonly Uint8Array[]> {
    for await (const key of this.#database.keys(range)) yield [key]
  }

  async commit(writes: readonly Write[]): Promise<void> {
    await this.#database.batch([...writes], { sync: false })
  }

  async reopen(): Promise<void> {
    await this.#database.close()
    await this.#database.open()
  }

  close(): Promise<void> {
    return this.#database.close()
  }
}

/** For the controls: a store that keeps its database handle after a failed write. */
export class StaleHandleStore implements Store {
  readonly #store: LevelStore

  constructor(store: LevelStore) {
    this.#store = store
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#store.get(key)
  }

  pages(range: Range): AsyncGenerator<readonly Row[]> {
    return this.#store.pages(range)
  }

  keys(range: Range): AsyncGenerator<readonly Uint8Array[]> {
    return this.#store.keys(range)
  }

  commit(writes: readonly Write[]): Promise<void> {
    return this.#store.commit(writes)
  }

  async reopen(): Promise<void> {}

  close(): Promise<void> {
    return this.#store.close()
  }
}
