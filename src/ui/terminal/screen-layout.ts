import { sanitise } from '../../base/safe-text.js'
import type { Palette } from '../palette.js'
import { COLUMNS_MIN, cut, rowsOf } from './cells.js'
import type { Composer } from './editor/composer.js'
import { promptOf } from './editor/input-rows.js'
import type { Frame } from './live-block.js'
import { type StatusParts, statusRow } from './status-bar.js'

/** Maximum rows of the line being written. */
const INPUT_ROWS_MAX = 6
/** Rows reserved below the pending lines: the status, a question and the line being written. */
const RESERVED_ROWS = INPUT_ROWS_MAX + 3

export interface ScreenSize {
  /** Cells of a row. The last column of the terminal stays empty. */
  readonly columns: number
  /** Maximum rows of the frame. A frame as high as the terminal would scroll, and could not be erased. */
  readonly frameRowsMax: number
  /** Maximum rows of pending lines. */
  readonly pendingRowsMax: number
}

export const sizeOf = (terminal: { readonly columns: number; readonly rows: number }): ScreenSize => ({
  columns: Math.max(COLUMNS_MIN, terminal.columns - 1),
  frameRowsMax: Math.max(2, terminal.rows - 2),
  pendingRowsMax: Math.max(0, terminal.rows - RESERVED_ROWS),
})

export interface ScreenContent {
  readonly pending: readonly string[]
  readonly status: StatusParts
  readonly nick: string
  readonly composer: Composer
}

/** Lays out what is shown below the printed lines: pending lines, status, choices, a hint, a question and the input. */
export function frameOf(
  { pending, status, nick, composer }: ScreenContent,
  { columns, frameRowsMax }: ScreenSize,
  palette: Palette,
): Frame {
  const { question, choices, hint } = composer
  const input = composer.rows(promptOf(nick, columns), { columns, rows: Math.min(INPUT_ROWS_MAX, frameRowsMax - 1) })
  const rows = [
    ...pending.flatMap(text => rowsOf(text, columns)),
    palette.faint(statusRow(status, columns)),
    ...(choices.length === 0 ? [] : [palette.faint(cut(sanitise(choices.join('  ')), columns))]),
    ...(hint === undefined ? [] : [palette.faint(cut(hint, columns))]),
    ...(question === undefined ? [] : rowsOf(palette.alarm(sanitise(question.text)), columns)),
  ]
  return { rows: rows.slice(-(frameRowsMax - input.rows.length)), input }
}
