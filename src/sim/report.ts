import type { Millis } from '../base/clock.js'
import { quantile } from '../base/quantile.js'
import type { ChatFigures, ChatSimulationOptions, Event } from './chat-simulation.js'

// One page that opens without a network: the figures, and three pictures of them.

export const WIDTH = 720
export const HEIGHT = 260
export const LEFT = 56
export const RIGHT = 16
export const TOP = 16
export const BOTTOM = 40
const BARS_MAX = 60

/** The report of a simulation as HTML. Nothing in it comes from anybody but this program. */
export function reportOf(figures: ChatFigures): string {
  const { options, converged, entries, violations } = figures
  const title = `${options.peers} peers, ${options.topology}, seed ${options.seed}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>persisted-chat: ${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="verdict ${converged ? 'good' : 'bad'}">${
    converged
      ? `All peers hold the same ${whole(entries)} lines, in the same order, and nothing was lost, forged or shown twice.`
      : `Something went wrong: ${escaped(violations.join('; '))}`
  }</p>
<p>${conditionsOf(options)} <code>${escaped(commandOf(options))}</code> repeats it to the byte.</p>
${tableOf(figures)}
<figure>
<figcaption><h2>How a line spreads</h2>Share of the peers that have stored a line, by the time since its author had. The line is the median of all lines; between a tenth and nine tenths of them lie in the band.</figcaption>
${curvesOf(figures)}
</figure>
<figure>
<figcaption><h2>Copies that a peer was sent</h2>Each bar is ${barMeaning(options.peers)}; every copy beyond the dashed line, one of each line of others, was in vain.</figcaption>
${copiesOf(figures)}
</figure>
<figure>
<figcaption><h2>What happened when</h2>Lines said in each interval, and below them what was done to the network.</figcaption>
${timelineOf(figures)}
</figure>
</main>
</body>
</html>
`
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
    loss > 0 ? `${(loss * 100).toFixed(1)} % of them are lost and sent again` : undefined,
    churn > 0 ? `${churn} peers crash in a minute and come back within 30 s` : undefined,
    partitionMinutes > 0 ? `for ${minutesOf(partitionMinutes)} two halves do not reach each other` : undefined,
  ]
  const told = faults.filter(fault => fault !== undefined).join('; ')
  return `${minutesOf(minutes)} of virtual time: ${told}.`
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
<div><dt>copies sent, a line</dt><dd>${copiesPerEntry.toFixed(1)} <small>${copiesPerPeer.length - 1} needed</small></dd></div>
<div><dt>bytes sent, a line</dt><dd>${whole(bytesPerEntry)} <small>all included</small></dd></div>
<div><dt>links on the way</dt><dd>${mean.toFixed(1)} <small>${hops.length} at most</small></dd></div>
</dl>`
}

function curvesOf({ curve }: ChatFigures): string {
  const finite = curve.filter(({ high }) => Number.isFinite(high))
  const last = finite.at(-1)
  if (last === undefined) return '<p>No line reached all peers.</p>'
  // From milliseconds to minutes: by powers of ten.
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
    'Copies that each peer was sent',
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
  const said = bins.map((count, index) => {
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
    'What happened when',
    `${grid([
      [base, '0'],
      [TOP, String(most)],
    ])}
${said.join('')}
${grid(
  [
    [base + 16, 'crash'],
    [base + 32, 'back'],
    [base + 48, 'split'],
  ],
  true,
)}
${marks('crash', base + 16)}${marks('start', base + 32)}${cuts.join('')}
${axis(ticks)}`,
  )
}

export const svg = (label: string, content: string): string =>
  `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">\n${content}\n</svg>`

export const grid = (rows: readonly (readonly [y: number, label: string])[], isFaint = false): string =>
  rows
    .map(
      ([y, label]) =>
        `<line class="${isFaint ? 'grid faint' : 'grid'}" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}"/><text class="tick end" x="${LEFT - 8}" y="${(y + 4).toFixed(1)}">${label}</text>`,
    )
    .join('')

export const axis = (ticks: readonly (readonly [x: number, label: string])[]): string =>
  ticks
    .map(([x, label], index) => {
      const anchor = index === 0 ? '' : index === ticks.length - 1 ? ' end' : ' middle'
      return `<text class="tick${anchor}" x="${x.toFixed(1)}" y="${HEIGHT - 14}">${label}</text>`
    })
    .join('')

const barMeaning = (peers: number): string =>
  peers > BARS_MAX ? `the median of about ${Math.round(peers / BARS_MAX)} peers` : 'a peer'

const minutesOf = (count: number): string => `${count} ${count === 1 ? 'minute' : 'minutes'}`

/** The next number that is easy to read. */
export function nice(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 2.5, 5, 10].find(step => step * power >= value) ?? 10
  return step * power
}

export const whole = (value: number): string => Math.round(value).toLocaleString('en')

/** A time as people say it. */
export function duration(ms: Millis): string {
  if (!Number.isFinite(ms)) return 'never'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms <= 120_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  return `${(ms / 60_000).toFixed(1)} min`
}

export const escaped = (text: string): string => text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)

export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5c6a7a; --line: #d9dfe6; --page: #fbfcfd; --blue: #2f6fde; --red: #c8412b; --green: #1d7f4e; --amber: #b97a10; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf1; --soft: #97a4b3; --line: #2d3743; --page: #12171d; --blue: #6ea2ff; --red: #ff7b63; --green: #55c48b; --amber: #e3ab4a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 780px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 1.6rem; margin: 0 0 8px; }
h2 { font-size: 1.1rem; margin: 0; color: var(--ink); }
code { font: 0.85em/1.4 ui-monospace, monospace; background: var(--line); padding: 2px 6px; border-radius: 4px; overflow-wrap: anywhere; }
.verdict { font-weight: 600; } .good { color: var(--green); } .bad { color: var(--red); }
table { width: 100%; border-collapse: collapse; margin: 24px 0 8px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 6px 8px; border-bottom: 1px solid var(--line); font-weight: 400; }
th:first-child { text-align: left; color: var(--soft); } thead th { color: var(--soft); font-size: 0.85rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: 12px; margin: 24px 0; }
dl div { border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; }
dt { color: var(--soft); font-size: 0.85rem; } dd { margin: 0; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
small { color: var(--soft); font-size: 0.8rem; }
figure { margin: 40px 0 0; } figcaption { color: var(--soft); font-size: 0.9rem; margin-bottom: 8px; }
svg { width: 100%; height: auto; display: block; }
.grid { stroke: var(--line); } .faint { stroke-dasharray: 1 4; }
.tick { fill: var(--soft); font-size: 12px; } .end { text-anchor: end; } .middle { text-anchor: middle; }
.curve { fill: none; stroke: var(--blue); stroke-width: 2.5; stroke-linejoin: round; }
.band { fill: var(--blue); opacity: 0.18; }
.bar { fill: var(--blue); opacity: 0.75; }
.needed { stroke: var(--amber); stroke-width: 1.5; stroke-dasharray: 6 4; }
.crash { fill: var(--red); } .start { fill: var(--green); } .partition { fill: var(--amber); }
`
