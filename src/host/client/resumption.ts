import type { LogId, Seq } from '../../log/format/author.js'
import type { Entry } from '../../log/format/entry.js'
import type { Digest } from '../../log/format/heads.js'
import { Places } from '../../log/format/places.js'
import { PASSED_MAX, type ReadOptions } from '../../log/options.js'

/** Resumes reading at another node, without gaps or duplicates. */
export class Resumption {
  readonly #options: ReadOptions
  readonly #start: ReadonlyMap<LogId, Seq>
  readonly #read = new Map<LogId, Seq>()
  /** Places that had no content when reading passed them. */
  readonly #passed = new Map<LogId, Places>()

  /** `heads` are the heads when reading began. */
  constructor(options: ReadOptions, heads: readonly Digest[]) {
    this.#options = options
    this.#start = new Map(heads.map(({ author, seq }) => [author, seq]))
    for (const { author, passed } of options.since ?? [])
      if (passed !== undefined && passed.length > 0) this.#passed.set(author, new Places(passed))
  }

  /** The entries of a batch that were not read before. */
  fresh(entries: readonly Entry[]): readonly Entry[] {
    const fresh = entries.filter(({ author, seq, gap }) => {
      const last = seq + (gap?.count ?? 1) - 1
      if (last <= (this.#read.get(author) ?? 0)) return gap === undefined && this.#passed.get(author)?.has(seq) === true
      this.#read.set(author, last)
      return true
    })
    for (const { author, seq, gap } of fresh) {
      if (gap?.state === 'missing') this.#passedIn(author).add(seq, seq + gap.count)
      else this.#passed.get(author)?.remove(seq, seq + 1)
    }
    return fresh
  }

  forget(log: LogId): void {
    this.#read.delete(log)
    this.#passed.delete(log)
  }

  /** Options for reading from a node whose logs end at `heads`. */
  options(heads: readonly Digest[]): ReadOptions {
    const { last, tail, since, ...others } = this.#options
    if (last !== undefined && !tail) {
      // Start at the same entry, however many entries were added since.
      const grown = heads.reduce((sum, { author, seq }) => sum + Math.max(0, seq - (this.#start.get(author) ?? 0)), 0)
      return { ...others, ...(since !== undefined && { since }), last: last + grown }
    }
    const from = new Map(tail ? this.#start : (since ?? []).map(({ author, seq }) => [author, seq] as const))
    for (const [author, seq] of this.#read) from.set(author, Math.max(seq, from.get(author) ?? 0))
    return {
      ...others,
      since: [...from].map(([author, seq]) => {
        const passed = this.#passed.get(author)?.ranges.slice(0, PASSED_MAX)
        return { author, seq, ...(passed !== undefined && passed.length > 0 && { passed }) }
      }),
    }
  }

  #passedIn(log: LogId): Places {
    const places = this.#passed.get(log) ?? new Places()
    this.#passed.set(log, places)
    return places
  }
}
