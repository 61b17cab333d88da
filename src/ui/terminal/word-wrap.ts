import { cellsOf } from './cells.js'
import { charactersOf } from './editor/editor.js'

/** Size of a wrapped text, in cells. */
export interface WrapSize {
  /** Cells of a row. */
  readonly columns: number
  /** Cells of a prefix on the first row. */
  readonly first: number
  /** Indent of all other rows. */
  readonly indent: number
}

/** A row of wrapped text and the cell at which it begins. */
export interface WrappedRow {
  readonly indent: number
  readonly text: string
}

const PIECES = /\s+|\S+/gu
/** People click on URLs and copy them: the row of a URL may begin left of the indent, to keep it whole. */
const URL = /^[a-z][a-z0-9+.-]*:\/\/[!-~]+$/i
/** Closing punctuation of East Asian text, which never begins a row. */
const CLOSING = /^[、。，．！？：；）」』】〉》〕｝ー々]/u

/**
 * Breaks a text into rows between words. Breaks a word only if it is longer than a row. East Asian text breaks between
 * any two characters. Drops spaces at a break, and keeps all others. The text must contain no line break and no escape
 * sequence.
 */
export function wrapWords(text: string, { columns, first, indent }: WrapSize): WrappedRow[] {
  const rows: { indent: number; text: string }[] = [{ indent: first, text: '' }]
  const width = Math.max(1, columns - indent)
  let used = first
  let space = ''
  const append = (piece: string, cells: number): void => {
    const row = rows[rows.length - 1]
    if (row === undefined) return
    row.text += space + piece
    used += space.length + cells
    space = ''
  }
  const startRow = (at: number): void => {
    rows.push({ indent: at, text: '' })
    used = at
    space = ''
  }
  for (const piece of unbreakablePieces(text)) {
    if (piece.trim() === '') {
      space += ' '.repeat(piece.length)
      continue
    }
    const cells = cellsOf(piece)
    if (used + space.length + cells <= columns) {
      append(piece, cells)
      continue
    }
    if (URL.test(piece) && cells > width && cells <= columns) startRow(columns - cells)
    else if (cells <= width || (columns - used - space.length) * 2 < width) startRow(indent)
    if (used + cells <= columns) append(piece, cells)
    else
      for (const character of charactersOf(piece)) {
        const characterCells = cellsOf(character)
        if (used + characterCells > columns && used > indent) startRow(indent)
        append(character, characterCells)
      }
  }
  return rows
}

/** Words, the spaces between them, and East Asian characters one by one. */
function* unbreakablePieces(text: string): Generator<string> {
  for (const [piece] of text.matchAll(PIECES)) {
    if (/^[!-~\s]*$/.test(piece)) {
      yield piece
      continue
    }
    let word = ''
    let isWide = false
    for (const character of charactersOf(piece)) {
      const isNextWide = cellsOf(character) > 1
      if (word !== '' && (isNextWide || isWide) && !CLOSING.test(character)) {
        yield word
        word = ''
      }
      word += character
      isWide = isNextWide
    }
    yield word
  }
}
