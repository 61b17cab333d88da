import stringWidth from 'string-width'
import { charactersOf } from './editor/editor.js'

/** Rows are laid out for at least so many cells, however narrow the terminal is. */
export const COLUMNS_MIN = 4

/** Widths of short texts: layout asks for the same characters again and again, and string-width is slow. */
const CACHED_MAX = 4_096
const CACHED_LENGTH_MAX = 16
const cache = new Map<string, number>()

/** Cells of a terminal that a text takes. */
export function cellsOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length
  if (text.length > CACHED_LENGTH_MAX) return stringWidth(text)
  let cells = cache.get(text)
  if (cells === undefined) {
    cells = stringWidth(text)
    if (cache.size >= CACHED_MAX) cache.clear()
    cache.set(text, cells)
  }
  return cells
}

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
