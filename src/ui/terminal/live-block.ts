import { cellsOf, rowsOf } from './cells.js'
import type { InputRows } from './editor/input-rows.js'

/** The rows of the live block. No row is wider than the terminal. */
export interface Frame {
  /** Rows above the line being written. */
  readonly rows: readonly string[]
  readonly input: InputRows
}

export const EMPTY_FRAME: Frame = { rows: [], input: { rows: [], cursor: { x: 0, y: 0 } } }

/** Lets the terminal show the whole change at once, where it can (DEC private mode 2026). */
const BEGIN_UPDATE = '\u001b[?2026h\u001b[?25l'
const END_UPDATE = '\u001b[?25h\u001b[?2026l'

/**
 * Erases from the start of the cursor's row to the end of the screen. The row is erased by itself first: erasing from the
 * top left corner makes some terminals move the whole screen into the scrollback.
 */
const ERASE_BELOW = '\r\u001b[K\u001b[C\u001b[J\r'

/** Where a block is drawn. */
export interface BlockOutput {
  readonly columns: () => number
  readonly write: (text: string) => void
}

/**
 * Draws rows below the printed lines and redraws them in place. The block is always shorter than the terminal, because rows
 * in the scrollback cannot be erased.
 */
export class LiveBlock {
  readonly #output: BlockOutput
  #rows: readonly string[] = []
  #cursor = { x: 0, y: 0 }
  /** The width of the terminal when the block was drawn. */
  #columns = 0

  constructor(output: BlockOutput) {
    this.#output = output
  }

  /** Prints `lines` above the block, and replaces the block by `frame`, in one write. Writes nothing if nothing changed. */
  show(lines: readonly string[], frame: Frame): void {
    const rows = [...frame.rows, ...frame.input.rows]
    const cursor = rows.length === 0 ? { x: 0, y: 0 } : cursorIn(frame)
    const hasMoved = cursor.x !== this.#cursor.x || cursor.y !== this.#cursor.y
    const columns = this.#output.columns()
    const kept = lines.length > 0 || columns !== this.#columns ? 0 : this.#unchangedRows(rows)
    if (lines.length === 0 && kept === rows.length && kept === this.#rows.length && !hasMoved) return
    // At least one row is rewritten, so that the cursor's position is known.
    const first = Math.max(0, Math.min(kept, rows.length - 1, this.#rows.length - 1))
    const erased = this.#rows.length === 0 ? '' : `${this.#toRow(first)}${ERASE_BELOW}`
    const printed = lines.map(line => `${line}\n`).join('')
    const drawn = rows.slice(first).join('\n')
    const toCursor = rows.length === 0 ? '' : `\r${down(cursor.y - (rows.length - 1))}${right(cursor.x)}`
    this.#output.write(`${BEGIN_UPDATE}${erased}${printed}${drawn}${toCursor}${END_UPDATE}`)
    this.#rows = rows
    this.#cursor = cursor
    this.#columns = columns
  }

  /** Leaves the block as it is, and starts on the row below the output of another program. */
  abandon(): void {
    if (this.#rows.length === 0) return
    this.#output.write('\r\n')
    this.#rows = []
    this.#cursor = { x: 0, y: 0 }
  }

  #unchangedRows(rows: readonly string[]): number {
    const changed = rows.findIndex((row, index) => row !== this.#rows[index])
    return changed === -1 ? rows.length : changed
  }

  /** Moves the cursor into a row of the block. A terminal that became narrower has wrapped rows that no longer fit. */
  #toRow(row: number): string {
    const columns = Math.max(1, this.#output.columns())
    const heightOf = (rows: readonly string[]): number =>
      rows.reduce((sum, text) => sum + wrappedRows(text, columns), 0)
    const { x, y } = this.#cursor
    return down(heightOf(this.#rows.slice(0, row)) - heightOf(this.#rows.slice(0, y)) - Math.floor(x / columns))
  }
}

/** Where the cursor is in the whole block. */
const cursorIn = ({ rows, input: { cursor } }: Frame): { x: number; y: number } => ({
  x: cursor.x,
  y: rows.length + cursor.y,
})

/** How many rows of the terminal a text occupies. */
const wrappedRows = (text: string, columns: number): number =>
  cellsOf(text) <= columns ? 1 : rowsOf(text, columns).length

const down = (rows: number): string => (rows > 0 ? `\u001b[${rows}B` : rows < 0 ? `\u001b[${-rows}A` : '')
const right = (cells: number): string => (cells > 0 ? `\u001b[${cells}C` : '')
