import type { LogId, Seq } from '../log/format/author.js'

/** Letters of a label: without `i`, `l` and `o`, which look like digits. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyz'
const LABEL = /^([a-z]{1,6})([1-9]\d{0,9})$/

/** The letters of the log with this number: a, b, … z, aa, ab, … */
function lettersOf(number: number): string {
  let letters = ''
  for (let rest = number + 1; rest > 0; rest = Math.floor((rest - 1) / LETTERS.length))
    letters = LETTERS.charAt((rest - 1) % LETTERS.length) + letters
  return letters
}

/** The number of a log with these letters; undefined if no log has such letters. */
function numberOf(letters: string): number | undefined {
  let number = 0
  for (const letter of letters) {
    const digit = LETTERS.indexOf(letter)
    if (digit === -1) return undefined
    number = number * LETTERS.length + digit + 1
  }
  return number - 1
}

/**
 * Short labels of lines, for people: letters for the log, and the seq in it, as in `b412`. A node numbers the logs of a room as it
 * first reads them, and stores the numbers, so that a label stays. docs/decisions/line-labels.md.
 */
export class LineLabels {
  readonly #numbers = new Map<LogId, number>()
  readonly #logs = new Map<number, LogId>()
  #next = 0

  /** Whether the lines of a log have labels. */
  has(log: LogId): boolean {
    return this.#numbers.has(log)
  }

  /**
   * Sets the number of a log, as stored or received. Does nothing if the log already has a number, or the number
   * already belongs to a log.
   */
  set(log: LogId, number: number): void {
    if (this.#numbers.has(log) || this.#logs.has(number)) return
    this.#numbers.set(log, number)
    this.#logs.set(number, log)
    this.reserve(number + 1)
  }

  /** Keeps numbers below `next` from being assigned to further logs. */
  reserve(next: number): void {
    this.#next = Math.max(this.#next, next)
  }

  /** Assigns the next number to a log. */
  add(log: LogId): number {
    const number = this.#next
    this.set(log, number)
    return number
  }

  /** The number for the next log. */
  get next(): number {
    return this.#next
  }

  /** The logs with this number or a higher one, and their numbers. */
  numbersFrom(first: number): [LogId, number][] {
    if (first >= this.#next) return []
    return [...this.#numbers].filter(([, number]) => number >= first)
  }

  /** Removes and returns the number of a log that is gone. The number is not assigned again. */
  delete(log: LogId): number | undefined {
    const number = this.#numbers.get(log)
    if (number === undefined) return undefined
    this.#numbers.delete(log)
    this.#logs.delete(number)
    return number
  }

  /** Undefined if the log has no number yet. */
  labelOf(log: LogId, seq: Seq): string | undefined {
    const number = this.#numbers.get(log)
    return number === undefined ? undefined : `${lettersOf(number)}${seq}`
  }

  /** The place that a label refers to; undefined if there is none. */
  placeOf(label: string): { readonly author: LogId; readonly seq: Seq } | undefined {
    const [, letters = '', digits] = LABEL.exec(label.toLowerCase()) ?? []
    const number = numberOf(letters)
    const author = number === undefined ? undefined : this.#logs.get(number)
    return author === undefined ? undefined : { author, seq: Number(digits) }
  }
}
