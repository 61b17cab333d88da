import stringWidth from 'string-width'
import { sanitise } from '../../../base/safe-text.js'
import { cut } from '../cells.js'

export interface InputRows {
  readonly rows: readonly string[]
  readonly cursor: { readonly x: number; readonly y: number }
}

export interface InputSize {
  readonly columns: number
  /** Of a line that takes more rows those around the cursor are shown. */
  readonly rows: number
}

/** From this width on the line being written begins with a name. */
const NAMED_COLUMNS = 16

/** What stands before the line being written: a name takes no more than a third of the row. */
export const promptOf = (name: string, columns: number): string =>
  columns < NAMED_COLUMNS ? '> ' : `${cut(name, Math.floor(columns / 3))}> `

/** The line being written as rows behind a prompt, and where the cursor stands in them. */
export function inputRows(prompt: string, characters: readonly string[], cursor: number, size: InputSize): InputRows {
  const width = size.columns
  const indent = ' '.repeat(stringWidth(prompt))
  const rows = [prompt]
  let x = indent.length
  let place = { x, y: 0 }
  const nextRow = (): void => {
    rows.push(indent)
    x = indent.length
  }
  for (const [index, character] of characters.entries()) {
    const shown = character === '\n' ? '' : sanitise(character)
    const columns = stringWidth(shown)
    if (x + columns >= width && x > indent.length) nextRow()
    if (index === cursor) place = { x, y: rows.length - 1 }
    if (character === '\n') nextRow()
    else {
      rows[rows.length - 1] += shown
      x += columns
    }
  }
  if (cursor >= characters.length) {
    if (x >= width) nextRow()
    place = { x, y: rows.length - 1 }
  }
  const first = Math.max(0, Math.min(place.y - Math.max(0, size.rows - 2), rows.length - size.rows))
  return { rows: rows.slice(first, first + size.rows), cursor: { x: place.x, y: place.y - first } }
}
