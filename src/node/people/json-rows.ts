import { EMPTY, textOf, utf8 } from '../../base/wire/bytes.js'
import { after, type Put, type Store } from '../../log/store/store.js'

/** Rows of a store under one prefix: the key is a name, the value is JSON or empty. */
export class JsonRows<T> {
  readonly #store: Store
  readonly #prefix: string
  readonly #read: (name: string, value: unknown) => T | undefined

  /** `read` returns undefined for a row that another version wrote. */
  constructor(store: Store, prefix: string, read: (name: string, value: unknown) => T | undefined) {
    this.#store = store
    this.#prefix = prefix
    this.#read = read
  }

  key(name: string): Uint8Array {
    return utf8(this.#prefix + name)
  }

  /** The write that stores a row. */
  row(name: string, value?: unknown): Put {
    return { type: 'put', key: this.key(name), value: value === undefined ? EMPTY : utf8(JSON.stringify(value)) }
  }

  async all(): Promise<T[]> {
    const all: T[] = []
    const gte = this.key('')
    for await (const page of this.#store.pages({ gte, lt: after(gte) }))
      for (const [key, value] of page) {
        const read = this.#read((textOf(key) ?? '').slice(this.#prefix.length), valueIn(textOf(value) ?? ''))
        if (read !== undefined) all.push(read)
      }
    return all
  }

  async put(name: string, value?: unknown): Promise<void> {
    await this.#store.commit([this.row(name, value)])
  }

  async delete(name: string): Promise<void> {
    await this.#store.commit([{ type: 'del', key: this.key(name) }])
  }
}

function valueIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
