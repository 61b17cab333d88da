import { CONTESTANTS, type ContestantName } from './contestant.js'
import type { Row } from './results.js'

const OTHERS = CONTESTANTS.filter(name => name !== 'ours')
const HEAD = ['', 'unit', ...CONTESTANTS, ...OTHERS.map(name => `ours / ${name}`)]

/** A figure with at least three significant digits and thousands separators. */
const figure = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3))

/** A ratio with at least two significant digits. */
const ratioText = (ratio: number): string => (ratio < 0.1 ? ratio.toPrecision(2) : ratio.toFixed(2))

const unitOf = ({ unit, better }: Row): string => `${unit} ${better === 'more' ? '↑' : '↓'}`

const cell = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined || Number.isNaN(value) ? '' : text(value)

const cellsOf = (row: Row): string[] => [
  row.what,
  unitOf(row),
  ...CONTESTANTS.map(name => cell(row.medians[name], figure)),
  ...OTHERS.map(name => cell(row.ratios[name], ratioText)),
]

/** The medians and ratios as a text table, with a column for each contestant that took part. */
export function tableOf(rows: readonly Row[], names: readonly ContestantName[]): string {
  const isShown = (title: string): boolean => CONTESTANTS.every(name => names.includes(name) || !title.includes(name))
  const lines = [HEAD, ...rows.map(row => cellsOf(row))].map(line =>
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

/** Aligns the first two columns, which are text, to the left and the figures to the right. */
const pad = (text: string, widths: readonly number[], column: number): string =>
  column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
