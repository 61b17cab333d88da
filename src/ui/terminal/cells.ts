import stringWidth from 'string-width'
import { charactersOf } from './editor/editor.js'

/** Rows are laid out for at least so many cells, however narrow the terminal is. */
export const COLUMNS_MIN = 4

/** Cells of a terminal that a text takes. */
export const cellsOf = (text: string): number => (/^[ -~]*$/.test(text) ? text.length : stringWidth(text))

/** The beginning of a text that fits into so many cells, and … where it was cut. */
export function cut(text: string, cells: number): string {
  if (cellsOf(text) <= cells) return text
  let shown = ''
  let width = 1
  for (const character of charactersOf(text)) {
    width += cellsOf(character)
    if (width > cells) break
    shown += character
  }
  return `${shown}…`
}
