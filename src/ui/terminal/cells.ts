import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'
import { charactersOf } from './editor/editor.js'

/** Minimum width of the layout, even on a narrower terminal. */
export const COLUMNS_MIN = 4

/**
 * Largest number of widths of short texts that are cached: string-width is slow, and layout needs the widths of the
 * same characters again and again.
 */
const CACHED_MAX = 4_096
const CACHED_LENGTH_MAX = 16
const cache = new Map<string, number>()

/** Width of a text in terminal cells. */
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

/** Cuts a text to at most `cells` cells, and ends it with … if it was longer. */
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

/** A text as rows of at most `columns` cells. */
export const rowsOf = (text: string, columns: number): string[] =>
  wrapAnsi(text, columns, { hard: true, wordWrap: false, trim: false }).split('\n')
