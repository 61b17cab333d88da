import type { Seq } from '../../log/format/author.js'
import type { Replicas } from '../../sync/receipts.js'
import type { Palette } from '../palette.js'
import { cellsOf } from './cells.js'
import type { Printed } from './transcript.js'

/** Rows that are kept back at most: what scrolls past them stays as it was then. */
const ROWS_MAX = 8

/**
 * The newest lines, from the first own one on that not every peer has stored yet. They stand where they can be written
 * again, so that each own line shows on how many peers it is; all else belongs to the terminal for good.
 */
export class PendingLines {
  readonly #holdersOf: (seq: Seq) => Replicas
  readonly #palette: Palette
  readonly #columns: () => number
  #lines: Printed[] = []

  /** `columns` is the width of the terminal now. */
  constructor(holdersOf: (seq: Seq) => Replicas, palette: Palette, columns: () => number) {
    this.#holdersOf = holdersOf
    this.#palette = palette
    this.#columns = columns
  }

  push(line: Printed): void {
    this.#lines.push(line)
  }

  /** The lines that are kept, as they stand now. */
  get texts(): string[] {
    return this.#lines.map(line => this.#marked(line))
  }

  /** The lines that nothing more is expected of, or that are too many to keep in so many rows. */
  take(rowsMax: number, rowsOf: (text: string) => number): string[] {
    const waiting = this.#lines.findIndex(({ own }) => own !== undefined && !this.#isEverywhere(own))
    let first = waiting === -1 ? this.#lines.length : waiting
    let rows = this.#lines.slice(first).reduce((sum, line) => sum + rowsOf(this.#marked(line)), 0)
    for (const line of this.#lines.slice(first)) {
      if (rows <= Math.min(ROWS_MAX, rowsMax)) break
      rows -= rowsOf(this.#marked(line))
      first++
    }
    return this.#lines.splice(0, first).map(line => this.#marked(line))
  }

  /** All lines, for good. */
  takeAll(): string[] {
    return this.#lines.splice(0).map(line => this.#marked(line))
  }

  #isEverywhere(seq: Seq): boolean {
    const { on, of } = this.#holdersOf(seq)
    return of > 0 && on >= of
  }

  /** A check for the own disk, and how many peers have stored it too; on a row of its own where the last one is full. */
  #marked({ text, own, indent = 0 }: Printed): string {
    if (own === undefined) return text
    const { on, of } = this.#holdersOf(own)
    const mark = of > 0 ? `✓ ${on}/${of}` : '✓'
    const used = cellsOf(text.slice(text.lastIndexOf('\n') + 1))
    const isFull = used + 2 + cellsOf(mark) > this.#columns() - 1
    return `${text}${isFull ? `\n${' '.repeat(indent)}` : '  '}${this.#palette.faint(mark)}`
  }
}
