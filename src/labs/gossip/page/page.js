// The page of a gossip node: shows what `/state` answers, once a second. Texts of other nodes only become text nodes.

/**
 * @typedef {'live' | 'heard' | 'dead'} PeerState
 * @typedef {{ port: number, state: PeerState, knows: number[] }} Peer
 * @typedef {{ origin: number, payload: { book: string }, version: number, ageMs: number, hops: number, in: number, out: number }} Book
 * @typedef {{ sent: number, received: number, duplicates: number }} Counts
 * @typedef {{ port: number, books: Book[], peers: Peer[], counts: Counts }} State
 */

const SVG = 'http://www.w3.org/2000/svg'
const SIZE = 440
const RADIUS = SIZE * 0.39
/** With more nodes than this, labels would overlap. */
const LABELLED_MAX = 48
const FRESH_MS = 1_500
const POLL_MS = 1_000

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`no element ${id}`)
  return found
}

/** @param {string | number} text */
function cell(text, className = '') {
  const td = document.createElement('td')
  td.textContent = String(text)
  td.className = className
  return td
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
function shape(name, attributes, text = '') {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value))
  made.textContent = text
  return made
}

/** @param {number} ms */
const ageOf = ms => (ms < 60_000 ? `${Math.floor(ms / 1_000)} s` : `${Math.floor(ms / 60_000)} min`)

/** @param {State} state */
function show({ port, books, peers, counts }) {
  const live = peers.filter(({ state }) => state === 'live').length
  document.title = `Gossip node ${port}`
  element('name').textContent = `Gossip node ${port}`
  element('summary').className = ''
  element('summary').textContent =
    `${books.length} books, ${live} live peers; messages: ${counts.received} received, ${counts.duplicates} of them duplicates, ${counts.sent} sent`
  const dead = new Set(peers.filter(({ state }) => state === 'dead').map(peer => peer.port))
  element('books').replaceChildren(...books.map(book => rowOf(book, port, dead)))
  element('graph').replaceChildren(...graphOf(port, peers))
}

/**
 * @param {Book} book
 * @param {number} own
 * @param {Set<number>} dead
 */
function rowOf({ origin, payload, version, ageMs, hops, in: received, out: sent }, own, dead) {
  const row = document.createElement('tr')
  row.classList.toggle('own', origin === own)
  row.classList.toggle('fresh', ageMs < FRESH_MS)
  row.append(
    cell(origin, dead.has(origin) ? 'dead' : ''),
    cell(payload.book),
    cell(version),
    cell(ageOf(ageMs)),
    cell(hops, 'extra'),
    cell(`${received}/${sent}`, 'extra'),
  )
  return row
}

/**
 * All nodes on a circle; edges to known peers.
 * @param {number} own
 * @param {Peer[]} peers
 */
function graphOf(own, peers) {
  const nodes = [{ port: own, state: 'own' }, ...peers].sort((a, b) => a.port - b.port)
  const angles = new Map(nodes.map(({ port }, index) => [port, (index / nodes.length) * 2 * Math.PI - Math.PI / 2]))
  /** @param {number} angle */
  const pointAt = angle => ({ x: SIZE / 2 + Math.cos(angle) * RADIUS, y: SIZE / 2 + Math.sin(angle) * RADIUS })
  /** @type {Element[]} */
  const edges = []
  /**
   * @param {number} from
   * @param {number} to
   * @param {string} className
   */
  const connect = (from, to, className) => {
    const [start, end] = [angles.get(from), angles.get(to)]
    if (start === undefined || end === undefined) return
    const [a, b] = [pointAt(start), pointAt(end)]
    edges.push(shape('line', { class: className, x1: a.x, y1: a.y, x2: b.x, y2: b.y }))
  }
  for (const { port, knows } of peers) for (const to of knows) if (port < to || to === own) connect(port, to, 'edge')
  for (const { port, state } of peers) if (state === 'live') connect(own, port, 'edge own')
  const isCrowded = nodes.length > LABELLED_MAX
  const marks = nodes.flatMap(({ port, state }) => {
    const angle = angles.get(port) ?? 0
    const { x, y } = pointAt(angle)
    const circle = shape('circle', { class: `node ${state}`, cx: x, cy: y, r: isCrowded ? 4 : 7 })
    if (isCrowded && state !== 'own') return [circle]
    return [circle, shape('text', { x: x + Math.cos(angle) * 26, y: y + Math.sin(angle) * 20 }, String(port))]
  })
  return [...edges, ...marks]
}

async function poll() {
  try {
    const response = await fetch('state')
    if (!response.ok) throw new Error(`status ${response.status}`)
    show(await response.json())
  } catch {
    element('summary').className = 'lost'
    element('summary').textContent = 'This node does not answer. Start it again, and this page continues.'
  }
  setTimeout(poll, POLL_MS)
}

poll()
