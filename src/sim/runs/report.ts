import type { Millis } from '../../base/clock.js'
import { quantile } from '../../base/quantile.js'
import { axis, BOTTOM, grid, HEIGHT, LEFT, nice, RIGHT, svg, TOP, WIDTH } from '../../base/report/chart.js'
import { duration, escaped, whole } from '../../base/report/format.js'
import { reportPage } from '../../base/report/page.js'
import type { ChatFigures, ChatSimulationOptions, Event } from './chat-simulation.js'

const BARS_MAX = 60

/** The report of a simulation as an HTML page. */
export function reportOf(figures: ChatFigures): string {
  const { options, converged, entries, violations } = figures
  const verdict = converged
    ? `All peers have the same ${whole(entries)} lines in the same order. Nothing was lost, forged or shown twice.`
    : `Invariants were violated: ${escaped(violations.join('; '))}`
  const intro = `<p class="verdict ${converged ? 'good' : 'bad'}">${verdict}</p>
<p>${conditionsOf(options)} <code>${escaped(commandOf(options))}</code> repeats the run.</p>
${tableOf(figures)}`
  return reportPage(`${options.peers} peers, ${options.topology}, seed ${options.seed}`, intro, [
    {
      title: 'Propagation of a line',
      caption:
        'Share of the peers that have stored a line, by the time since its author stored it. The curve is the median of all lines; the band spans the 10th to the 90th percentile.',
      content: propagationOf(figures),
    },
    {
      title: 'Copies received per peer',
      caption: `Each bar is ${barMeaning(options.peers)}. The dashed line is one copy of each line of other peers; copies beyond it are redundant.`,
      content: copiesOf(figures),
    },
    {
      title: 'Timeline',
      caption: 'Lines sent in each interval, and below them crashes, restarts and partitions.',
      content: timelineOf(figures),
    },
  ])
}

/** The command that repeats a simulation. */
export function commandOf(options: ChatSimulationOptions): string {
  const { seed, peers, topology, loss, delayMsMin, delayMsMax, partitionMinutes, churn, minutes, lines } = options
  return [
    'persisted-chat simulate chat',
    `--peers ${peers} --seed ${seed} --topology ${topology} --minutes ${minutes} --lines ${lines}`,
    `--delay ${delayMsMin}-${delayMsMax} --loss ${loss}`,
    `--churn ${churn} --partition ${partitionMinutes}`,
  ].join(' ')
}

function conditionsOf({
  loss,
  delayMsMin,
  delayMsMax,
  churn,
  partitionMinutes,
  minutes,
}: ChatSimulationOptions): string {
  const faults = [
    `packets take ${delayMsMin} to ${delayMsMax} ms`,
    loss > 0 ? `${(loss * 100).toFixed(1)} % of them are lost and resent` : undefined,
    churn > 0 ? `${churn} peers crash per minute and restart within 30 s` : undefined,
    partitionMinutes > 0 ? `a partition into two halves lasts ${minutesOf(partitionMinutes)}` : undefined,
  ]
  const conditions = faults.filter(fault => fault !== undefined).join('; ')
  return `${minutesOf(minutes)} of virtual time: ${conditions}.`
}

function tableOf({ reached, slowest, copiesPerEntry, bytesPerEntry, hops, copiesPerPeer }: ChatFigures): string {
  const columns = ['p50Ms', 'p90Ms', 'p99Ms', 'p100Ms'] as const
  const row = (name: string, times: ChatFigures['reached']): string =>
    `<tr><th scope="row">${name}</th>${columns.map(column => `<td>${duration(times[column])}</td>`).join('')}</tr>`
  const total = hops.reduce((sum, count) => sum + count, 0)
  const mean = hops.reduce((sum, count, index) => sum + count * (index + 1), 0) / Math.max(1, total)
  return `<table>
<thead><tr><th scope="col">reached</th><th scope="col">50 %</th><th scope="col">90 %</th><th scope="col">99 %</th><th scope="col">100 % of the peers</th></tr></thead>
<tbody>${row('median line', reached)}${row('slowest line', slowest)}</tbody>
</table>
<dl>
<div><dt>copies sent per line</dt><dd>${copiesPerEntry.toFixed(1)} <small>${copiesPerPeer.length - 1} needed</small></dd></div>
<div><dt>bytes sent per line</dt><dd>${whole(bytesPerEntry)} <small>in total</small></dd></div>
<div><dt>hops per line</dt><dd>${mean.toFixed(1)} <small>${hops.length} at most</small></dd></div>
</dl>`
}

function propagationOf({ curve }: ChatFigures): string {
  const finite = curve.filter(({ high }) => Number.isFinite(high))
  const last = finite.at(-1)
  if (last === undefined) return '<p>No line reached any share of the peers.</p>'
  // A logarithmic axis, from milliseconds to minutes.
  const powers = Math.max(1, Math.ceil(Math.log10(Math.max(...finite.map(({ high }) => high)))))
  const x = (ms: Millis): number => LEFT + (Math.log10(Math.max(1, ms)) / powers) * (WIDTH - LEFT - RIGHT)
  const y = (share: number): number => HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
  const path = (points: readonly (readonly [number, number])[]): string =>
    points.map(([px, py], index) => `${index === 0 ? 'M' : 'L'}${px.toFixed(1)} ${py.toFixed(1)}`).join('')
  const low = finite.map(({ share, low }) => [x(low), y(share)] as const)
  const high = finite.map(({ share, high }) => [x(high), y(share)] as const)
  const mid = finite.map(({ share, mid }) => [x(mid), y(share)] as const)
  return svg(
    'Share of peers over time',
    `${grid([0, 0.25, 0.5, 0.75, 1].map(share => [y(share), `${share * 100} %`]))}
${axis(Array.from({ length: powers + 1 }, (_, power) => [x(10 ** power), duration(10 ** power)]))}
<path class="band" d="${path([...low, ...high.toReversed()])}Z"/>
<path class="curve" d="${path(mid)}"/>`,
  )
}

function copiesOf({ copiesPerPeer, entries, options }: ChatFigures): string {
  const count = Math.min(BARS_MAX, copiesPerPeer.length)
  const bars = Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * copiesPerPeer.length) / count)
    const to = Math.floor(((index + 1) * copiesPerPeer.length) / count)
    return quantile(copiesPerPeer.slice(from, Math.max(from + 1, to)), 0.5)
  })
  const needed = (entries * (options.peers - 1)) / options.peers
  const most = nice(Math.max(...bars, needed, 1))
  const y = (copies: number): number => HEIGHT - BOTTOM - (copies / most) * (HEIGHT - TOP - BOTTOM)
  const width = (WIDTH - LEFT - RIGHT) / count
  const drawn = bars.map((copies, index) => {
    const left = LEFT + index * width
    return `<rect class="bar" x="${left.toFixed(1)}" y="${y(copies).toFixed(1)}" width="${Math.max(1, width - 1.5).toFixed(1)}" height="${(HEIGHT - BOTTOM - y(copies)).toFixed(1)}"/>`
  })
  return svg(
    'Copies received per peer',
    `${grid([0, 0.5, 1].map(part => [y(part * most), whole(part * most)]))}
${drawn.join('')}
<line class="needed" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(needed).toFixed(1)}" y2="${y(needed).toFixed(1)}"/>
<text class="tick" x="${LEFT}" y="${HEIGHT - BOTTOM + 18}">fewest copies</text>
<text class="tick end" x="${WIDTH - RIGHT}" y="${HEIGHT - BOTTOM + 18}">most copies</text>`,
  )
}

function timelineOf({ events, virtualMs }: ChatFigures): string {
  const x = (ms: Millis): number => LEFT + (ms / virtualMs) * (WIDTH - LEFT - RIGHT)
  const base = HEIGHT - 96
  const bins = new Array<number>(BARS_MAX).fill(0)
  for (const { kind, atMs } of events) {
    const bin = Math.min(BARS_MAX - 1, Math.floor((atMs / virtualMs) * BARS_MAX))
    if (kind === 'line') bins[bin] = (bins[bin] ?? 0) + 1
  }
  const most = Math.max(...bins, 1)
  const width = (WIDTH - LEFT - RIGHT) / BARS_MAX
  const lines = bins.map((count, index) => {
    const height = (count / most) * (base - TOP)
    return `<rect class="bar" x="${(LEFT + index * width).toFixed(1)}" y="${(base - height).toFixed(1)}" width="${(width - 1.5).toFixed(1)}" height="${height.toFixed(1)}"/>`
  })
  const marks = (kind: Event['kind'], row: number): string =>
    events
      .filter(event => event.kind === kind)
      .map(({ atMs }) => `<circle class="${kind}" cx="${x(atMs).toFixed(1)}" cy="${row}" r="3"/>`)
      .join('')
  const cuts = events.flatMap(({ kind, atMs }, index) => {
    if (kind !== 'partition') return []
    const healed = events.slice(index).find(event => event.kind === 'healed')?.atMs ?? virtualMs
    return `<rect class="partition" x="${x(atMs).toFixed(1)}" y="${base + 44}" width="${(x(healed) - x(atMs)).toFixed(1)}" height="8"/>`
  })
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(part => [x(part * virtualMs), duration(part * virtualMs)] as const)
  return svg(
    'Timeline',
    `${grid([
      [base, '0'],
      [TOP, String(most)],
    ])}
${lines.join('')}
${grid(
  [
    [base + 16, 'crash'],
    [base + 32, 'restart'],
    [base + 48, 'split'],
  ],
  true,
)}
${marks('crash', base + 16)}${marks('start', base + 32)}${cuts.join('')}
${axis(ticks)}`,
  )
}

const barMeaning = (peers: number): string =>
  peers > BARS_MAX ? `the median of about ${Math.round(peers / BARS_MAX)} peers` : 'one peer'

const minutesOf = (count: number): string => `${count} ${count === 1 ? 'minute' : 'minutes'}`
