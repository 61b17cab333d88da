import type { AuthorId, Seq } from '../format/author.js'
import { decodeEntry, type Entry, type Members } from '../format/entry.js'

/**
 * What one live reader was shown of the own log, whose last entries may be taken back and appended again (PROTOCOL.md §4.5). What
 * comes in their place is shown like any entry; what was shown before, and has only got another number, is not shown again.
 */
export class ShownLines {
  readonly #own: AuthorId
  #reached: Seq
  #retractions = 0
  /** The last own entry that stayed when lines were taken back last. */
  #kept: Seq = 0
  /** Lines that were shown and taken back since. */
  readonly #takenBack: string[] = []

  /** `reached` is how far the reader knew the own log before. */
  constructor(own: AuthorId, reached: Seq) {
    this.#own = own
    this.#reached = reached
  }

  /** How far the reader was shown the own log. */
  get reached(): Seq {
    return this.#reached
  }

  /** How often lines were taken back. */
  get retractions(): number {
    return this.#retractions
  }

  /** What of a batch is to be shown. `retractions` is how often lines had been taken back when the batch was begun. */
  fresh(entries: readonly Entry[], retractions: number): readonly Entry[] {
    return entries.filter(entry => {
      if (entry.author !== this.#own) return true
      // Perhaps read before the last retraction: what stands there now is announced anew.
      if (retractions !== this.#retractions && entry.seq > this.#kept) return false
      if (entry.seq <= this.#reached) return false
      this.#reached = entry.seq
      return !this.#isShown(entry)
    })
  }

  /** The own entries from `from` on are taken back: these were their lines. */
  takenBack(from: Seq, lines: readonly Members[]): void {
    this.#retractions++
    const shown = Math.max(0, this.#reached - from + 1)
    this.#takenBack.push(...lines.slice(0, shown).map(textOf))
    this.#kept = from - 1
    this.#reached = Math.min(this.#reached, this.#kept)
  }

  #isShown({ entry }: Entry): boolean {
    if (this.#takenBack.length === 0) return false
    const members = decodeEntry(entry)
    const place = members === undefined ? -1 : this.#takenBack.indexOf(textOf(members))
    if (place === -1) return false
    this.#takenBack.splice(place, 1)
    return true
  }
}

/** A line without its place in time. */
const textOf = ({ at: _at, time: _time, ...members }: Members): string =>
  JSON.stringify(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)))
