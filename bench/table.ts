import { CONTESTANTS, type ContestantName } from './contestant.js'
import type { Results, Row } from './results.js'

const OTHERS = CONTESTANTS.filter(name => name !== 'ours')
const HEAD = ['', 'unit', ...CONTESTANTS, ...OTHERS.map(name => `ours / ${name}`)]

/** A figure with three digits or more, as people write it. */
export const figure = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)

/** A ratio with two digits or more. */
const ratioText = (ratio: number): string => (ratio < 0.1 ? ratio.toPrecision(2) : ratio.toFixed(2))

const unitOf = ({ unit, better }: Row): string => `${unit} ${better === 'more' ? '↑' : '↓'}`

const isBetter = (ratio: number, { better }: Row): boolean => (better === 'more' ? ratio > 1 : ratio < 1)

const cell = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined || Number.isNaN(value) ? '' : text(value)

const cellsOf = (row: Row, textOf: (ratio: number) => string): string[] => [
  row.what,
  unitOf(row),
  ...CONTESTANTS.map(name => cell(row.medians[name], figure)),
  ...OTHERS.map(name => cell(row.ratios[name], textOf)),
]

/** The medians as a table in Markdown; a ratio is bold where ours is the better of the two. */
export function markdownTable({ rows }: Results): string {
  const bold = (row: Row) => (ratio: number) => {
    const text = ratioText(ratio)
    return isBetter(Number(text), row) ? `**${text}**` : text
  }
  const lines = [HEAD, ...rows.map(row => cellsOf(row, bold(row)))]
  const widths = widthsOf(lines)
  const texts = lines.map(line => `| ${line.map((text, column) => pad(text, widths, column)).join(' | ')} |`)
  const rule = `| ${widths.map((width, column) => (column < 2 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [texts[0], rule, ...texts.slice(1)].join('\n')
}

/** The same for a terminal, with the columns of those who took part. */
export function plainTable(rows: readonly Row[], names: readonly ContestantName[]): string {
  const isShown = (title: string): boolean => CONTESTANTS.every(name => names.includes(name) || !title.includes(name))
  const lines = [HEAD, ...rows.map(row => cellsOf(row, ratioText))].map(line =>
    line.filter((_, column) => isShown(HEAD[column] ?? '')),
  )
  const widths = widthsOf(lines)
  return lines
    .map(line =>
      line
        .map((text, column) => pad(text, widths, column))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const widthsOf = (lines: readonly (readonly string[])[]): number[] =>
  (lines[0] ?? []).map((_, column) => Math.max(3, ...lines.map(line => (line[column] ?? '').length)))

/** The first two columns are text, the others figures. */
const pad = (text: string, widths: readonly number[], column: number): string =>
  column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
