import type { LogId, Seq } from '../format/author.js'
import { decodeEntry, type Entry, type Members } from '../format/entry.js'

/** What one live reader was shown of a log of ours. */
interface ShownLog {
  /** The last entry that it was shown. */
  reached: Seq
  /** The last entry that the last retraction kept. */
  kept: Seq
}

/**
 * Tracks which of our lines one live reader was shown. The last entries of our log may be retracted and appended again with other
 * seqs (docs/protocol/storage.md §4.5): entries that replace them are shown, but no line is shown twice.
 */
export class ShownLines {
  readonly #isOurs: (log: LogId) => boolean
  readonly #logs = new Map<LogId, ShownLog>()
  #retractions = 0
  /** Lines that were shown and then retracted. */
  readonly #retracted: string[] = []

  /** `reached` has the last entries of our logs that the reader already has. */
  constructor(isOurs: (log: LogId) => boolean, reached: ReadonlyMap<LogId, Seq>) {
    this.#isOurs = isOurs
    for (const [log, seq] of reached)
      if (isOurs(log)) this.#logs.set(log, { reached: seq, kept: Number.POSITIVE_INFINITY })
  }

  /** The last entry of a log of ours that the reader was shown. */
  reached(log: LogId): Seq {
    return this.#logs.get(log)?.reached ?? 0
  }

  /** Number of retractions. */
  get retractions(): number {
    return this.#retractions
  }

  /** The entries of a batch that are to be shown. `retractions` is the number of retractions when the batch was read. */
  fresh(entries: readonly Entry[], retractions: number): readonly Entry[] {
    return entries.filter(entry => {
      if (!this.#isOurs(entry.author)) return true
      const log = this.#logOf(entry.author)
      // This entry may have been read before the last retraction; its replacement is announced.
      if (retractions !== this.#retractions && entry.seq > log.kept) return false
      if (entry.seq <= log.reached) return false
      log.reached = entry.seq
      return !this.#isShown(entry)
    })
  }

  /** Entries of our log from `from` on, with these lines, were retracted. */
  retracted(author: LogId, from: Seq, lines: readonly Members[]): void {
    this.#retractions++
    const log = this.#logOf(author)
    const shown = Math.max(0, log.reached - from + 1)
    this.#retracted.push(...lines.slice(0, shown).map(textOf))
    log.kept = from - 1
    log.reached = Math.min(log.reached, log.kept)
  }

  #logOf(author: LogId): ShownLog {
    const log = this.#logs.get(author) ?? { reached: 0, kept: Number.POSITIVE_INFINITY }
    this.#logs.set(author, log)
    return log
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
