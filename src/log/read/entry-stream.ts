import { Readable } from 'node:stream'
import type { Entry } from '../format/entry.js'
import type { ReadOptions } from '../options.js'

type ReadEntries = (options: ReadOptions) => AsyncGenerator<readonly Entry[]>

/** Entries one by one, as a Node.js stream. The next batch is read only when the previous one was consumed. */
export class EntryStream extends Readable {
  readonly #abort = new AbortController()
  readonly #batches: AsyncGenerator<readonly Entry[]>
  #batch: readonly Entry[] = []
  #index = 0
  #isFilling = false

  constructor(read: ReadEntries, options: ReadOptions) {
    super({ objectMode: true, highWaterMark: 64 })
    this.#batches = read({ ...options, signal: this.#abort.signal })
  }

  override _read(): void {
    // Called again while `#fill` awaits: the running loop pushes the rest.
    if (this.#isFilling) return
    this.#fill().catch(error => this.destroy(error))
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#abort.abort()
    done(error)
  }

  async #fill(): Promise<void> {
    this.#isFilling = true
    try {
      for (;;) {
        while (this.#index < this.#batch.length) if (!this.push(this.#batch[this.#index++])) return
        const next = await this.#batches.next()
        if (next.done) {
          this.push(null)
          return
        }
        this.#batch = next.value
        this.#index = 0
      }
    } finally {
      this.#isFilling = false
    }
  }
}
