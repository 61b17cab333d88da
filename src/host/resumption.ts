import type { AuthorId, Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import type { ReadOptions } from '../log/options.js'
import type { RoomEntry } from '../node/room-api.js'

/** Goes on with reading where another process takes over: nothing is left out, and nothing comes twice. */
export class Resumption {
  readonly #options: ReadOptions
  readonly #start: ReadonlyMap<AuthorId, Seq>
  readonly #read = new Map<AuthorId, Seq>()
  /** What was read before the process that is read from now took over, by author, as long as it may come again. */
  #before: Map<AuthorId, Seq> = new Map()

  /** `heads` are those at the beginning. */
  constructor(options: ReadOptions, heads: readonly Digest[]) {
    this.#options = options
    this.#start = new Map(heads.map(({ author, seq }) => [author, seq]))
  }

  /**
   * What was not read before. One process gives each entry once; a place of the own log may come again, with another entry,
   * where lines that were told to nobody made room for what peers held.
   */
  fresh(entries: readonly RoomEntry[]): readonly RoomEntry[] {
    const fresh = entries.filter(({ author, seq }) => {
      const before = this.#before.get(author) ?? 0
      if (seq > before) this.#before.delete(author)
      return seq > before
    })
    for (const { author, seq } of fresh) this.#read.set(author, seq)
    return fresh
  }

  /** What to ask for, of one that holds logs up to `heads`. */
  options(heads: readonly Digest[]): ReadOptions {
    this.#before = new Map(this.#read)
    const { last, tail, since, ...others } = this.#options
    if (last !== undefined && !tail) {
      // The same entries at the beginning, however many came behind them since.
      const grown = heads.reduce((sum, { author, seq }) => sum + Math.max(0, seq - (this.#start.get(author) ?? 0)), 0)
      return { ...others, ...(since !== undefined && { since }), last: last + grown }
    }
    const from = new Map(tail ? this.#start : (since ?? []).map(({ author, seq }) => [author, seq] as const))
    for (const [author, seq] of this.#read) from.set(author, Math.max(seq, from.get(author) ?? 0))
    return { ...others, since: [...from].map(([author, seq]) => ({ author, seq })) }
  }
}
