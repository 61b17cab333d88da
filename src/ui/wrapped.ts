import wrapAnsi from 'wrap-ansi'

/** Indent of rows that continue a line. */
const INDENT = '  '
/** Width of a terminal that does not report one. */
const COLUMNS = 80

/**
 * Wraps a line for a terminal. Indents the rows that continue the line, so that no text in it looks like another line.
 */
export function wrapped(line: string, columns = COLUMNS): string {
  const width = Math.max(8, columns - INDENT.length)
  return wrapAnsi(line, width, { hard: true, trim: false }).replaceAll('\n', `\n${INDENT}`)
}

/** The first rows of a line on a terminal; undefined if the whole line fits into them. */
export function folded(line: string, rowsMax: number, columns = COLUMNS): string | undefined {
  // Wrap no more than can be shown. The factor leaves room for characters without width.
  const laidOut = line.slice(0, 4 * (rowsMax + 1) * columns)
  const rows = wrapped(laidOut, columns).split('\n')
  const isWhole = laidOut.length === line.length && rows.length <= rowsMax
  return isWhole ? undefined : rows.slice(0, rowsMax).join('\n')
}
