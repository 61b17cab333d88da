import stringWidth from 'string-width'
import { sanitise } from '../../../base/safe-text.js'
import { cut } from '../cells.js'

export interface InputRows {
  readonly rows: readonly string[]
  readonly cursor: { readonly x: number; readonly y: number }
}

export interface InputSize {
  readonly columns: number
  /** Maximum rows. If the line has more, the rows around the cursor are shown. */
  readonly rows: number
}

/** Minimum width for a prompt with the name. */
const NAMED_COLUMNS = 16

/** The prompt: the name takes at most a third of the row. */
export const promptOf = (name: string, columns: number): string =>
  columns < NAMED_COLUMNS ? '> ' : `${cut(name, Math.floor(columns / 3))}> `

/** Lays out the line being written as rows after a prompt, with the cursor's position. */
export function inputRows(prompt: string, characters: readonly string[], cursor: number, size: InputSize): InputRows {
  const width = size.columns
  const indent = ' '.repeat(stringWidth(prompt))
  const rows = [prompt]
  let x = indent.length
  let position = { x, y: 0 }
  const nextRow = (): void => {
    rows.push(indent)
    x = indent.length
  }
  for (const [index, character] of characters.entries()) {
    const shown = character === '\n' ? '' : sanitise(character)
    const columns = stringWidth(shown)
    if (x + columns >= width && x > indent.length) nextRow()
    if (index === cursor) position = { x, y: rows.length - 1 }
    if (character === '\n') nextRow()
    else {
      rows[rows.length - 1] += shown
      x += columns
    }
  }
  if (cursor >= characters.length) {
    if (x >= width) nextRow()
    position = { x, y: rows.length - 1 }
  }
  const first = Math.max(0, Math.min(position.y - Math.max(0, size.rows - 2), rows.length - size.rows))
  return { rows: rows.slice(first, first + size.rows), cursor: { x: position.x, y: position.y - first } }
}
