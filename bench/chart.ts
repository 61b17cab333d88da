import { CONTESTANTS, type ContestantName } from './contestant.js'
import type { Results, Row } from './results.js'
import { figure } from './table.js'
import type { Unit } from './workload.js'

const WIDTH = 880
const LABELS = 390
const RIGHT = 80
const ROW = 22
const HEAD = 44
const FOOT = 30

const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #24292f }
.small { font-size: 11px; fill: #57606a } .strong { font-weight: 600 }
.end { text-anchor: end } .middle { text-anchor: middle }
.grid { stroke: #d0d7de } .span { stroke: #afb8c1; stroke-width: 2 }
.scuttleup { fill: #0969da } .hypercore { fill: #1a7f37 } .ours { fill: #cf4010 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9da7b3 } .grid { stroke: #30363d } .span { stroke: #57606a }
  .scuttleup { fill: #58a6ff } .hypercore { fill: #56d364 } .ours { fill: #ff8c5a }
}`

/** Told apart by shape as well as by colour. */
const MARKS: Readonly<Record<ContestantName, (x: number, y: number) => string>> = {
  scuttleup: (x, y) => `<rect class="scuttleup" x="${x - 5}" y="${y - 5}" width="10" height="10"/>`,
  hypercore: (x, y) => `<path class="hypercore" d="M${x} ${y - 7}l7 7-7 7-7-7z"/>`,
  ours: (x, y) => `<circle class="ours" cx="${x}" cy="${y}" r="6"/>`,
}

const UNITS: Readonly<Record<Unit, string>> = {
  'entries/s': 'entries a second: further right is faster',
  ms: 'milliseconds: further left is faster',
  bytes: 'bytes: further left is smaller',
  MiB: 'MiB of memory: further left is less',
}

/** The medians as an SVG picture: a panel for each unit, each with a logarithmic scale of its own. */
export function chartOf({ rows, time, commit, machine }: Results): string {
  let top = 40
  const panels: string[] = []
  for (const unit of Object.keys(UNITS) as Unit[]) {
    const of = rows.filter(row => row.unit === unit)
    if (of.length === 0) continue
    panels.push(panel(unit, of, top))
    top += HEAD + of.length * ROW + FOOT
  }
  const source = `${time.slice(0, 10)}, commit ${commit}, ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top + 16}" role="img">
<title>Speed, memory and disk of scuttleup, hypercore and this program</title>
<style>${STYLE}
</style>
${legend()}
${panels.join('\n')}
${text(16, top + 4, `${source}; medians, logarithmic scales`, 'small')}
</svg>
`
}

function panel(unit: Unit, rows: readonly Row[], top: number): string {
  const all = rows.flatMap(({ medians }) => Object.values(medians))
  const [from, to] = [Math.floor(Math.log10(Math.min(...all))), Math.ceil(Math.log10(Math.max(...all)))]
  const place = (value: number): number =>
    round(LABELS + ((Math.log10(value) - from) / Math.max(1, to - from)) * (WIDTH - RIGHT - LABELS))
  const [first, end] = [top + HEAD, top + HEAD + rows.length * ROW]
  const parts = [text(16, top + 24, UNITS[unit], 'strong'), text(WIDTH - 16, top + 24, 'ours', 'small end')]
  for (let power = from; power <= Math.max(to, from + 1); power++) {
    const x = place(10 ** power)
    parts.push(`<path class="grid" d="M${x} ${first - 6}V${end}"/>`, text(x, end + 16, tick(power), 'small middle'))
  }
  for (const [index, row] of rows.entries()) parts.push(rowMarks(row, first + index * ROW + ROW / 2 - 2, place))
  return parts.join('\n')
}

function rowMarks({ what, medians }: Row, y: number, place: (value: number) => number): string {
  const drawn = CONTESTANTS.flatMap(name => {
    const value = medians[name]
    return value === undefined ? [] : [{ name, value, x: place(value) }]
  })
  const places = drawn.map(({ x }) => x)
  return [
    text(16, y + 4, what),
    `<path class="span" d="M${Math.min(...places)} ${y}H${Math.max(...places)}"/>`,
    ...drawn.map(({ name, value, x }) => `<g><title>${name}: ${figure(value)}</title>${MARKS[name](x, y)}</g>`),
    text(WIDTH - 16, y + 4, medians.ours === undefined ? '' : figure(medians.ours), 'end'),
  ].join('\n')
}

const legend = (): string =>
  CONTESTANTS.map((name, index) => {
    const x = LABELS + index * 120
    return MARKS[name](x, 20) + text(x + 14, 24, name)
  }).join('\n')

const tick = (power: number): string => (10 ** power).toLocaleString('en', { maximumFractionDigits: 6 })

const text = (x: number, y: number, content: string, kind = ''): string =>
  `<text x="${x}" y="${y}"${kind && ` class="${kind}"`}>${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`

const round = (value: number): number => Math.round(value * 10) / 10
