import type { LogId, Seq } from '../format/author.js'
import { decodeEntry, type Entry, type Members } from '../format/entry.js'

/**
 * Tracks which lines of our log one live reader was shown. Our last entries may be retracted and appended again with other seqs
 * (docs/protocol/storage.md §4.5): entries that replace them are shown, but no line is shown twice.
 */
export class ShownLines {
  readonly #ours: LogId
  #reached: Seq
  #retractions = 0
  /** The last entry of our log that the last retraction kept. */
  #kept: Seq = 0
  /** Lines that were shown and then retracted. */
  readonly #retracted: string[] = []

  /** `reached` is the last entry of our log that the reader already has. */
  constructor(ours: LogId, reached: Seq) {
    this.#ours = ours
    this.#reached = reached
  }

  /** The last entry of our log that the reader was shown. */
  get reached(): Seq {
    return this.#reached
  }

  /** Number of retractions. */
  get retractions(): number {
    return this.#retractions
  }

  /** The entries of a batch that are to be shown. `retractions` is the number of retractions when the batch was read. */
  fresh(entries: readonly Entry[], retractions: number): readonly Entry[] {
    return entries.filter(entry => {
      if (entry.author !== this.#ours) return true
      // This entry may have been read before the last retraction; its replacement is announced.
      if (retractions !== this.#retractions && entry.seq > this.#kept) return false
      if (entry.seq <= this.#reached) return false
      this.#reached = entry.seq
      return !this.#isShown(entry)
    })
  }

  /** Our entries from `from` on, with these lines, were retracted. */
  retracted(from: Seq, lines: readonly Members[]): void {
    this.#retractions++
    const shown = Math.max(0, this.#reached - from + 1)
    this.#retracted.push(...lines.slice(0, shown).map(textOf))
    this.#kept = from - 1
    this.#reached = Math.min(this.#reached, this.#kept)
  }

  #isShown({ entry }: Entry): boolean {
    if (this.#retracted.length === 0) return false
    const members = decodeEntry(entry)
    const place = members === undefined ? -1 : this.#retracted.indexOf(textOf(members))
    if (place === -1) return false
    this.#retracted.splice(place, 1)
    return true
  }
}

/** A line without its timestamps. */
const textOf = ({ at: _at, time: _time, ...members }: Members): string =>
  JSON.stringify(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)))
