import type { Millis } from '../../../base/clock.js'
import { axis, BOTTOM, grid, HEIGHT, LEFT, nice, RIGHT, svg, TOP, WIDTH } from '../../../base/report/chart.js'
import { duration, escaped, whole } from '../../../base/report/format.js'
import { reportPage } from '../../../base/report/page.js'
import type { PhaseFigures } from './rumour-spread.js'
import type { GossipSimulationOptions } from './simulation.js'
import type { SweepCell } from './sweep.js'
import { coverageOf, onceCurve, repeatedCurve, roundsOf } from './theory.js'

/** A line of a chart, with gaps at values that are not finite. */
interface Series {
  readonly name: string
  readonly values: readonly number[]
  /** Its place among the series, 0 to 1. Theory has none and is dashed. */
  readonly shade: number | undefined
}

interface Chart {
  readonly title: string
  readonly caption: string
  readonly xLabel: string
  readonly x: readonly number[]
  readonly series: readonly Series[]
  readonly yMax?: number
  readonly format: (value: number) => string
}

/** The report of one run, beside the theory. */
export function reportOfGossip(
  options: GossipSimulationOptions,
  phases: readonly PhaseFigures[],
  lines: readonly string[],
): string {
  const { nodes, fanout, repeat } = options
  const rounds = phases.reduce((most, { byRound }) => Math.max(most, byRound.length - 1), 1)
  const theory = (repeat > 1 ? repeatedCurve : onceCurve)(nodes, Math.min(fanout, nodes - 1), rounds)
  const theoryText =
    repeat > 1
      ? `If every node keeps sending, all nodes know it after about log<sub>${1 + fanout}</sub> n + ln n / ${fanout} + O(1) rounds: ${roundsOf(nodes, fanout).toFixed(1)} + O(1) here.`
      : `If every node sends it once, 1 - e<sup>-f·c</sup> = c gives the share c that receives it: ${(coverageOf(fanout) * 100).toFixed(2)} % here.`
  return pageOf(
    `${whole(nodes)} nodes, fan-out ${Number.isFinite(fanout) ? fanout : 'all'}`,
    `<pre>${lines.map(escaped).join('\n')}</pre>`,
    [
      {
        title: 'Propagation of a rumour',
        caption: `Share of the nodes that know a rumour, by the rounds since its origin sent it. ${theoryText}`,
        xLabel: 'rounds',
        x: theory.map((_, round) => round),
        series: [
          ...phases.map(({ name, byRound }, index) => ({
            name,
            shade: index / Math.max(1, phases.length - 1),
            values: theory.map((_, round) => byRound[Math.min(round, byRound.length - 1)] ?? Number.NaN),
          })),
          { name: 'theory', values: theory, shade: undefined },
        ],
        yMax: 1,
        format: percent,
      },
    ],
  )
}

/** The report of a sweep. */
export function reportOfSweep(options: GossipSimulationOptions, cells: readonly SweepCell[], command: string): string {
  const fanouts = [...new Set(cells.map(({ fanout }) => fanout))]
  const ttls = [...new Set(cells.map(({ ttl }) => ttl))]
  const seriesOf = (value: (cell: SweepCell) => number): Series[] =>
    ttls.map((ttl, index) => ({
      name: `TTL ${ttl}`,
      shade: index / Math.max(1, ttls.length - 1),
      values: fanouts.map(fanout => {
        const cell = cells.find(each => each.ttl === ttl && each.fanout === fanout)
        return cell === undefined ? Number.NaN : value(cell)
      }),
    }))
  const isOnce = options.repeat === 1 && options.pullMs === 0
  const theory: Series = { name: 'theory', shade: undefined, values: fanouts.map(coverageOf) }
  const common = { xLabel: 'fan-out', x: fanouts }
  return pageOf(
    `${whole(options.nodes)} nodes, fan-out ${fanouts.at(0)} to ${fanouts.at(-1)}, TTL ${ttls.at(0)} to ${ttls.at(-1)}`,
    `<p><code>${escaped(command)}</code> repeats the sweep.</p>${tableOf(cells)}`,
    [
      {
        ...common,
        title: 'Coverage against fan-out',
        caption: `Share of the nodes that a rumour reaches.${isOnce ? ' Dashed: the root of 1 - e<sup>-f·c</sup> = c, which large TTLs approach.' : ''}`,
        series: [...seriesOf(({ coverage }) => coverage), ...(isOnce ? [theory] : [])],
        yMax: 1,
        format: percent,
      },
      {
        ...common,
        title: 'Time to 99 %',
        caption: 'Time until 99 % of the nodes know the median rumour. Missing points: never.',
        series: seriesOf(({ reached }) => reached.p99Ms),
        format: (ms: Millis) => duration(ms),
      },
      {
        ...common,
        title: 'Messages per node',
        caption: 'Mean number of copies of a rumour that a node receives. One would suffice.',
        series: seriesOf(({ messagesPerNode }) => messagesPerNode),
        format: (value: number) => value.toFixed(1),
      },
    ],
  )
}

function tableOf(cells: readonly SweepCell[]): string {
  const heads = ['fan-out', 'TTL', 'coverage', 'to 99 %', 'messages per node', 'rounds']
  const rows = cells.map(({ fanout, ttl, coverage, reached, messagesPerNode, rounds }) =>
    [fanout, ttl, percent(coverage), duration(reached.p99Ms), messagesPerNode.toFixed(2), rounds.toFixed(1)]
      .map(cell => `<td>${cell}</td>`)
      .join(''),
  )
  return `<details><summary>All ${cells.length} simulations as a table</summary><table>
<thead><tr>${heads.map(head => `<th scope="col">${head}</th>`).join('')}</tr></thead>
<tbody>${rows.map(row => `<tr>${row}</tr>`).join('\n')}</tbody>
</table></details>`
}

const pageOf = (title: string, intro: string, charts: readonly Chart[]): string =>
  reportPage(
    title,
    intro,
    charts.map(chart => ({
      title: chart.title,
      caption: chart.caption,
      content: `${drawn(chart)}\n${legendOf(chart)}`,
    })),
  )

function drawn({ title, x, series, yMax, format, xLabel }: Chart): string {
  const finite = series.flatMap(({ values }) => values).filter(Number.isFinite)
  if (finite.length === 0) return '<p>No data.</p>'
  const top = yMax ?? nice(Math.max(...finite, Number.MIN_VALUE))
  const [first = 0, last = 1] = [x.at(0), x.at(-1)]
  const px = (value: number): number => LEFT + ((value - first) / Math.max(1e-9, last - first)) * (WIDTH - LEFT - RIGHT)
  const py = (value: number): number => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM)
  const paths = series.map(({ values, shade }) => {
    let isDrawing = false
    const path = values.map((value, index) => {
      if (!Number.isFinite(value)) {
        isDrawing = false
        return ''
      }
      const step = `${isDrawing ? 'L' : 'M'}${px(x[index] ?? 0).toFixed(1)} ${py(value).toFixed(1)}`
      isDrawing = true
      return step
    })
    const dots = values.map((value, index) =>
      Number.isFinite(value) && x.length <= 12 && shade !== undefined
        ? `<circle cx="${px(x[index] ?? 0).toFixed(1)}" cy="${py(value).toFixed(1)}" r="2.5" fill="${colourOf(shade)}"/>`
        : '',
    )
    const look = shade === undefined ? 'class="theory"' : `class="line" stroke="${colourOf(shade)}"`
    return `<path ${look} d="${path.join('')}"/>${dots.join('')}`
  })
  const stride = Math.max(1, Math.ceil(x.length / 12))
  const ticks = x.filter((_, index) => index % stride === 0 || index === x.length - 1)
  return svg(
    title,
    `${grid([0, 0.25, 0.5, 0.75, 1].map(part => [py(part * top), format(part * top)]))}
${paths.join('\n')}
${axis(ticks.map((tick, index) => [px(tick), index === ticks.length - 1 ? `${tick} ${xLabel}` : String(tick)]))}`,
  )
}

const legendOf = ({ series }: Chart): string =>
  `<p class="legend">${series
    .map(
      ({ name, shade }) =>
        `<span><svg class="${shade === undefined ? 'theory' : 'line'}" viewBox="0 0 18 8" aria-hidden="true"><path class="${shade === undefined ? 'theory' : 'line'}"${shade === undefined ? '' : ` stroke="${colourOf(shade)}"`} d="M0 4L18 4"/></svg>${escaped(name)}</span>`,
    )
    .join(' ')}</p>`

/** From blue to orange at one lightness that is readable on white and on black. */
const colourOf = (shade: number): string => `hsl(${Math.round(220 - 195 * shade)} 70% 52%)`

const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 1 ? 1 : 0)} %`
