import { BLOCK_PLACES } from '../log/content/block-rows.js'
import { authorOfLog, type LogId, type Seq } from '../log/format/author.js'
import { millisOf } from '../log/format/hybrid-clock.js'
import type { Log } from '../log/log.js'
import type { Matcher } from './matcher.js'
import type { Query } from './query.js'
import { decodeWordBlock, WordHash } from './word-filter.js'
import { fromWord } from './word-index.js'

/** Largest number of places in one candidate: where blocks have no filter, and where adjacent blocks that may match are joined. */
const SCANNED_PLACES = 4_096
const JOINED_PLACES = 1_024
/** Filters that are read at a time: about 90 KiB. */
const FILTERS = 128

/** Places that may match, and an upper bound on their times. */
export interface Candidate {
  readonly author: LogId
  from: Seq
  readonly to: Seq
  newestMs: number
}

/** Decides which blocks a query rules out by their filters. */
class FilterTest {
  readonly #needed: readonly WordHash[]
  /** Empty: any author. */
  readonly #names: readonly WordHash[]
  readonly #sinceMs: number

  constructor({ phrases, from, sinceMs = 0 }: Query, isByKey: boolean) {
    const words = phrases.flatMap(({ words, isPrefix }) => (isPrefix ? words.slice(0, -1) : words))
    this.#needed = words.map(word => new WordHash(word))
    this.#names = isByKey ? [] : from.map(name => new WordHash(fromWord(name)))
    this.#sinceMs = sinceMs
  }

  rulesOut(filter: Uint8Array, newestMs: number): boolean {
    return (
      newestMs < this.#sinceMs ||
      this.#needed.some(hash => !hash.mayBeIn(filter)) ||
      (this.#names.length > 0 && !this.#names.some(hash => hash.mayBeIn(filter)))
    )
  }
}

/** Finds the candidates of one signed log from its end, so that its newest lines can be found without reading all of its filters. */
export class SignedCandidates {
  readonly #log: Pick<Log, 'entry' | 'blocks'>
  readonly #author: LogId
  readonly #test: FilterTest
  /** The places from here on are covered. */
  #end: Seq
  #newestMs = Number.POSITIVE_INFINITY

  constructor(log: Pick<Log, 'entry' | 'blocks'>, author: LogId, last: Seq, query: Query, matcher: Matcher) {
    this.#log = log
    this.#author = author
    this.#test = new FilterTest(query, matcher.mayBeOf(authorOfLog(author)))
    this.#end = last + 1
  }

  /**
   * Upper bound of the times of all places that are not covered yet. The times in a signed log are in order, so the newest time in a
   * block bounds all entries before the block.
   */
  get newestMs(): number {
    return this.#newestMs
  }

  /** Places that are not covered yet. */
  get places(): number {
    return this.#end - 1
  }

  /** The next candidates towards the beginning of the log. */
  async next(): Promise<readonly Candidate[]> {
    const candidates: Candidate[] = []
    const rows = await this.#log.blocks.before(this.#author, this.#end, FILTERS)
    for (const { first, value } of rows) {
      const block = decodeWordBlock(value)
      const end = first + BLOCK_PLACES
      if (block === undefined || end > this.#end) {
        candidates.push(...(await this.#unindexed(first)))
        continue
      }
      candidates.push(...(await this.#unindexed(end)))
      this.#end = first
      const { filter, newestMs } = block
      if (!this.#test.rulesOut(filter, newestMs))
        this.#add(candidates, { author: this.#author, from: first, to: end, newestMs })
      // A block without messages has no time.
      if (newestMs > 0) this.#newestMs = Math.min(this.#newestMs, newestMs)
    }
    if (rows.length === 0) candidates.push(...(await this.#unindexed(1)))
    return candidates
  }

  /** Joins a candidate with the adjacent one before it in the list. */
  #add(candidates: Candidate[], candidate: Candidate): void {
    const later = candidates.at(-1)
    if (later?.from === candidate.to && later.to - candidate.from <= JOINED_PLACES) {
      later.from = candidate.from
      later.newestMs = Math.max(later.newestMs, candidate.newestMs)
    } else candidates.push(candidate)
  }

  /** Covers the places from `from` on. They have no filter, so all of them have to be read. */
  async #unindexed(from: Seq): Promise<Candidate[]> {
    const candidates: Candidate[] = []
    while (this.#end > from) {
      const to = this.#end
      const first = Math.max(from, to - SCANNED_PLACES)
      // Reading a few entries takes no longer than reading the last of them alone.
      const last = to - first < BLOCK_PLACES ? undefined : await this.#log.entry(this.#author, to - 1)
      const newestMs = last === undefined ? Number.POSITIVE_INFINITY : Math.ceil(millisOf(last.at))
      candidates.push({ author: this.#author, from: first, to, newestMs })
      this.#end = first
    }
    return candidates
  }
}
