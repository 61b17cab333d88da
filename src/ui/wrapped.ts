import wrapAnsi from 'wrap-ansi'

/** Indent of rows that continue a line. */
const INDENT = '  '
/** Width of a terminal that does not report one. */
const COLUMNS = 80

/** Wraps a line for a terminal. Rows that continue it are indented, so that no text in it looks like another line. */
export function wrapped(line: string, columns = COLUMNS): string {
  const width = Math.max(8, columns - INDENT.length)
  return wrapAnsi(line, width, { hard: true, trim: false }).replaceAll('\n', `\n${INDENT}`)
}
