import { createHash } from 'node:crypto'

// The page of a node. All that it shows of others goes into text nodes, never into markup.

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5c6a7a; --line: #d9dfe6; --page: #fbfcfd; --blue: #2f6fde; --red: #c8412b; --green: #1d7f4e; --amber: #b97a10; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf1; --soft: #97a4b3; --line: #2d3743; --page: #12171d; --blue: #6ea2ff; --red: #ff7b63; --green: #55c48b; --amber: #e3ab4a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 56px; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.05rem; margin: 0 0 8px; }
#counts { color: var(--soft); margin: 4px 0 24px; font-variant-numeric: tabular-nums; }
#counts.lost { color: var(--red); font-weight: 600; }
.columns { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 32px; }
@media (max-width: 820px) { .columns { grid-template-columns: minmax(0, 1fr); } }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 5px 8px; white-space: nowrap; border-bottom: 1px solid var(--line); font-weight: 400; }
th { color: var(--soft); font-size: 0.85rem; } th:nth-child(2), td:nth-child(2) { text-align: left; width: 60%; white-space: normal; overflow-wrap: anywhere; }
tr.own td { font-weight: 600; } tr.fresh td { background: color-mix(in srgb, var(--blue) 16%, transparent); }
td.dead { color: var(--red); }
svg { width: 100%; height: auto; display: block; }
.link { stroke: var(--line); stroke-width: 1; } .link.mine { stroke: var(--blue); stroke-width: 1.5; opacity: 0.6; }
.node { fill: var(--green); } .node.own { fill: var(--blue); } .node.heard { fill: var(--amber); } .node.dead { fill: var(--red); }
svg text { fill: var(--soft); font-size: 11px; text-anchor: middle; dominant-baseline: middle; }
.key { color: var(--soft); font-size: 0.85rem; } .key i { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin: 0 4px 0 12px; }
.key .own { background: var(--blue); } .key .live { background: var(--green); } .key .heard { background: var(--amber); } .key .dead { background: var(--red); }
`

const SCRIPT = `
'use strict'
const SVG = 'http://www.w3.org/2000/svg'
const SIZE = 440
const at = id => document.getElementById(id)
const cell = (text, name) => {
  const td = document.createElement('td')
  td.textContent = text
  if (name) td.className = name
  return td
}
const shape = (name, attributes, text) => {
  const made = document.createElementNS(SVG, name)
  for (const key of Object.keys(attributes)) made.setAttribute(key, attributes[key])
  if (text !== undefined) made.textContent = text
  return made
}
const ageOf = ms => ms < 60000 ? Math.floor(ms / 1000) + ' s' : Math.floor(ms / 60000) + ' min'
function show({ port, books, peers, counts }) {
  const live = peers.filter(({ state }) => state === 'live').length
  document.title = 'node ' + port
  at('name').textContent = 'Node ' + port
  at('counts').className = ''
  at('counts').textContent = books.length + ' books, ' + live + ' live peers; messages: ' + counts.received + ' in, '
    + counts.sent + ' out, ' + counts.duplicates + ' known before'
  const states = new Map(peers.map(peer => [peer.port, peer.state]))
  at('books').replaceChildren(...books.map(({ origin, payload, version, ageMs, hops, ...traffic }) => {
    const row = document.createElement('tr')
    row.className = (origin === port ? 'own ' : '') + (ageMs < 1500 ? 'fresh' : '')
    row.append(cell(origin, states.get(origin) === 'dead' ? 'dead' : ''), cell(payload.book), cell(version), cell(ageOf(ageMs)), cell(hops), cell(traffic.in + '/' + traffic.out))
    return row
  }))
  draw(port, peers)
}
function draw(port, peers) {
  const nodes = [{ port, state: 'own', knows: [] }, ...peers].sort((a, b) => a.port - b.port)
  const places = new Map(nodes.map((node, index) => {
    const angle = (index / nodes.length) * 2 * Math.PI - Math.PI / 2
    return [node.port, { x: SIZE / 2 + Math.cos(angle) * SIZE * 0.39, y: SIZE / 2 + Math.sin(angle) * SIZE * 0.39, angle }]
  }))
  const lines = []
  const link = (from, to, name) => {
    const a = places.get(from), b = places.get(to)
    if (a && b) lines.push(shape('line', { class: name, x1: a.x, y1: a.y, x2: b.x, y2: b.y }))
  }
  for (const { port: from, knows } of peers) for (const to of knows) if (from < to || to === port) link(from, to, 'link')
  for (const { port: to, state } of peers) if (state === 'live') link(port, to, 'link mine')
  const isMany = nodes.length > 48
  const marks = nodes.flatMap(({ port: node, state }) => {
    const { x, y, angle } = places.get(node)
    const circle = shape('circle', { class: 'node ' + state, cx: x, cy: y, r: isMany ? 4 : 7 })
    if (isMany && state !== 'own') return [circle]
    return [circle, shape('text', { x: x + Math.cos(angle) * 26, y: y + Math.sin(angle) * 20 }, String(node))]
  })
  at('graph').replaceChildren(...lines, ...marks)
}
async function turn() {
  try {
    const response = await fetch('/state')
    if (!response.ok) throw new Error('status ' + response.status)
    show(await response.json())
  } catch {
    at('counts').className = 'lost'
    at('counts').textContent = 'This node does not answer any more. Start it again, and this page goes on.'
  }
  setTimeout(turn, 1000)
}
turn()
`

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Nothing but the page's own script and style runs, and it speaks to its own node alone. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `script-src ${hashOf(SCRIPT)}`,
  `style-src ${hashOf(STYLE)}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The page: the same for every node; what it shows comes from `/state`, once a second. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>node</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1 id="name">Node</h1>
<p id="counts">asking …</p>
<div class="columns">
<section>
<h2>Favourite books</h2>
<table>
<thead><tr><th scope="col">origin</th><th scope="col">book</th><th scope="col">version</th><th scope="col">age</th><th scope="col">hops</th><th scope="col">in/out</th></tr></thead>
<tbody id="books"></tbody>
</table>
</section>
<section>
<h2>Who knows whom</h2>
<svg id="graph" viewBox="0 0 440 440" role="img" aria-label="The nodes, and who knows whom"></svg>
<p class="key"><i class="own"></i>this node<i class="live"></i>answers<i class="heard"></i>only heard of<i class="dead"></i>does not answer</p>
</section>
</div>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`
