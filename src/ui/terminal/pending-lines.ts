import type { OwnPlace, Replicas } from '../../sync/receipts.js'
import type { Palette } from '../palette.js'
import { cellsOf } from './cells.js'
import type { Printed } from './transcript.js'

/** Maximum rows of pending lines. If there are more, the oldest lines are printed with their current receipts. */
const ROWS_MAX = 8

/**
 * The newest lines, starting with the first line of the user that some connected person has not stored. They are redrawn in the
 * live block, to show how many peers have stored each. Older lines are printed and never change again.
 */
export class PendingLines {
  readonly #replicasOf: (place: OwnPlace) => Replicas
  readonly #palette: Palette
  readonly #columns: () => number
  #lines: Printed[] = []

  /** `columns` returns the current width of the terminal. */
  constructor(replicasOf: (place: OwnPlace) => Replicas, palette: Palette, columns: () => number) {
    this.#replicasOf = replicasOf
    this.#palette = palette
    this.#columns = columns
  }

  push(line: Printed): void {
    this.#lines.push(line)
  }

  /** The pending lines with their current receipts. */
  get texts(): string[] {
    return this.#lines.map(line => this.#withReceipt(line))
  }

  /** Removes the lines before the first undelivered one, and as many more as exceed `rowsMax` rows. */
  take(rowsMax: number, rowsOf: (text: string) => number): string[] {
    const undelivered = this.#lines.findIndex(({ own }) => own !== undefined && !this.#isDelivered(own))
    let first = undelivered === -1 ? this.#lines.length : undelivered
    let rows = this.#lines.slice(first).reduce((sum, line) => sum + rowsOf(this.#withReceipt(line)), 0)
    for (const line of this.#lines.slice(first)) {
      if (rows <= Math.min(ROWS_MAX, rowsMax)) break
      rows -= rowsOf(this.#withReceipt(line))
      first++
    }
    return this.#lines.splice(0, first).map(line => this.#printed(line))
  }

  /** Removes all lines. */
  takeAll(): string[] {
    return this.#lines.splice(0).map(line => this.#printed(line))
  }

  #printed(line: Printed): string {
    return `${this.#withReceipt(line)}${line.drawing ?? ''}`
  }

  #isDelivered(place: OwnPlace): boolean {
    const { on, of, strangers = 0 } = this.#replicasOf(place)
    return of > 0 ? on >= of : strangers > 0
  }

  /**
   * Appends a check mark, because the line is on this disk, and how many peers have stored it, with strangers counted separately, as
   * `✓ 1/2 +3`; on a new row if the last is full.
   */
  #withReceipt({ text, own, indent = 0 }: Printed): string {
    if (own === undefined) return text
    const { on, of, strangers = 0 } = this.#replicasOf(own)
    const mark = `✓${of > 0 ? ` ${on}/${of}` : ''}${strangers > 0 ? ` +${strangers}` : ''}`
    const used = cellsOf(text.slice(text.lastIndexOf('\n') + 1))
    const isFull = used + 2 + cellsOf(mark) > this.#columns() - 1
    return `${text}${isFull ? `\n${' '.repeat(indent)}` : '  '}${this.#palette.faint(mark)}`
  }
}
