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

  get size(): number {
    return this.#numbers.size
  }

  /** Numbers a log as stored or received; ignores it if one of both is taken. */
  set(log: LogId, number: number): void {
    if (this.#numbers.has(log) || this.#logs.has(number)) return
    this.#numbers.set(log, number)
    this.#logs.set(number, log)
    this.#next = Math.max(this.#next, number + 1)
  }

  /** Gives a log the next number. */
  add(log: LogId): number {
    const number = this.#next
    this.set(log, number)
    return number
  }

  /** The numbers of the logs, without the first `skipped`. */
  numbersAfter(skipped: number): [LogId, number][] {
    return [...this.#numbers].slice(skipped)
  }

  /** Undefined if the log has no number yet. */
  labelOf(log: LogId, seq: Seq): string | undefined {
    const number = this.#numbers.get(log)
    return number === undefined ? undefined : `${lettersOf(number)}${seq}`
  }

  /** The place that a label means; undefined if it means none. */
  placeOf(label: string): { readonly author: LogId; readonly seq: Seq } | undefined {
    const [, letters = '', digits] = LABEL.exec(label.toLowerCase()) ?? []
    const number = numberOf(letters)
    const author = number === undefined ? undefined : this.#logs.get(number)
    return author === undefined ? undefined : { author, seq: Number(digits) }
  }
}
