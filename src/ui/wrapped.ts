import wrapAnsi from 'wrap-ansi'

/** Columns before the rows that continue a line. */
const INDENT = '  '
/** Columns of a terminal that does not say how many it has. */
const COLUMNS = 80

/** A line as a terminal shows it: rows that continue it are indented, so that no text in it can pass for another line. */
export function wrapped(line: string, columns = COLUMNS): string {
  const width = Math.max(8, columns - INDENT.length)
  return wrapAnsi(line, width, { hard: true, trim: false }).replaceAll('\n', `\n${INDENT}`)
}
