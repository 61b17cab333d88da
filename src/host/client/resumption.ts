import type { LogId, Seq } from '../../log/format/author.js'
import type { Entry } from '../../log/format/entry.js'
import type { Digest } from '../../log/format/heads.js'
import type { ReadOptions } from '../../log/options.js'

/** Resumes reading at another node, without gaps or duplicates. */
export class Resumption {
  readonly #options: ReadOptions
  readonly #start: ReadonlyMap<LogId, Seq>
  readonly #read = new Map<LogId, Seq>()

  /** `heads` are the heads when reading began. */
  constructor(options: ReadOptions, heads: readonly Digest[]) {
    this.#options = options
    this.#start = new Map(heads.map(({ author, seq }) => [author, seq]))
  }

  /** The entries that were not read before. */
  fresh(entries: readonly Entry[]): readonly Entry[] {
    const fresh = entries.filter(({ author, seq }) => seq > (this.#read.get(author) ?? 0))
    for (const { author, seq } of fresh) this.#read.set(author, seq)
    return fresh
  }

  /** Options for reading from a node whose logs end at `heads`. */
  options(heads: readonly Digest[]): ReadOptions {
    const { last, tail, since, ...others } = this.#options
    if (last !== undefined && !tail) {
      // Start at the same entry, however many were added since.
      const grown = heads.reduce((sum, { author, seq }) => sum + Math.max(0, seq - (this.#start.get(author) ?? 0)), 0)
      return { ...others, ...(since !== undefined && { since }), last: last + grown }
    }
    const from = new Map(tail ? this.#start : (since ?? []).map(({ author, seq }) => [author, seq] as const))
    for (const [author, seq] of this.#read) from.set(author, Math.max(seq, from.get(author) ?? 0))
    return { ...others, since: [...from].map(([author, seq]) => ({ author, seq })) }
  }
}
