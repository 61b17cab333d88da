import type { InputRows } from './editor/input-rows.js'

/** What stands below the history, at the bottom of what is printed. */
export interface Frame {
  /** Rows above the line that is written: none is wider than the terminal. */
  readonly rows: readonly string[]
  readonly input: InputRows
}
