import { readFile } from 'node:fs/promises'
import { systemClock } from '../../base/clock.js'
import { ChatError, reasonOf } from '../../base/errors.js'
import { packageFile } from '../../base/program-files.js'
import { systemRandom } from '../../base/random.js'
import { sanitise, sanitisedJson } from '../../base/safe-text.js'
import type { GossipSettings } from '../../labs/gossip/gossip-node.js'
import { type OpenNode, openNode } from '../../labs/gossip/open-node.js'
import type { Rumour } from '../../labs/gossip/rumour.js'
import { info, writeUnlessFull } from '../../ui/lines/output.js'
import { gossipTable } from './gossip-table.js'

const BOOKS = packageFile('data/books.txt')
const STATUS_MS = 1_000
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface GossipOptions extends GossipSettings {
  readonly host: string
  readonly everyMs: number
  readonly display: 'table' | 'lines' | 'json'
  /** Whether to exit when standard input ends, as when the parent process is gone. */
  readonly isTethered: boolean
}

/** Runs `persisted-chat gossip`: one node, until a signal stops it. */
export async function gossip({ display, isTethered, ...options }: GossipOptions): Promise<number> {
  const { host, port, bootstrap } = options
  const over = stopRequested(isTethered)
  const books = await readBooks()
  let onNews: (rumour: Rumour) => void = () => {}
  const [clock, random] = [systemClock, systemRandom]
  const node = await openNode({ ...options, books, clock, random, onNews: rumour => onNews(rumour) })
  const origin = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  if (display === 'lines')
    info(`listening on ${origin}/${bootstrap === undefined ? '' : `, asking ${bootstrap} for peers`}`)
  const show = { table: showTable, lines: showLines, json: showJson }[display]
  const shown = show(node, origin, port)
  onNews = shown.onNews
  // Books that were chosen while the node opened.
  for (const book of node.state().books) shown.onNews(book)
  await over
  shown.end()
  await node.close()
  return 0
}

interface Shown {
  onNews(rumour: Rumour): void
  end(): void
}

function showLines(_: OpenNode, __: string, port: number): Shown {
  return {
    onNews: ({ origin, version, hops, payload }) => {
      const path = origin === port ? 'its own' : `${hops} ${hops === 1 ? 'hop' : 'hops'}`
      writeUnlessFull(process.stdout, `${origin} likes ${sanitise(payload.book)} (version ${version}, ${path})`)
    },
    end: () => {},
  }
}

function showJson(node: OpenNode, origin: string, port: number): Shown {
  const print = (object: object): void => writeUnlessFull(process.stdout, sanitisedJson(object))
  print({ event: 'listening', port, origin, time: Date.now() })
  let before = ''
  const status = (): void => {
    const { peers, books, counts } = node.state()
    const known = { books: books.length, peers: peers.filter(({ state }) => state === 'live').length, ...counts }
    const now = JSON.stringify(known)
    if (now !== before)
      print({ event: 'status', port, ...known, rssBytes: process.memoryUsage.rss(), time: Date.now() })
    before = now
  }
  const timer = setInterval(status, STATUS_MS)
  return {
    onNews: ({ origin, version, uuid, ttl, hops, payload }) =>
      print({ event: 'book', port, origin, version, uuid, ttl, hops, book: payload.book, time: Date.now() }),
    end: () => {
      clearInterval(timer)
      status()
    },
  }
}

const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
/** Shortest time between two redraws. */
const DRAW_MS_MIN = 200

function showTable(node: OpenNode, origin: string): Shown {
  const isColoured = !process.env['NO_COLOR']
  let timer: NodeJS.Timeout | undefined
  const draw = (): void => {
    clearTimeout(timer)
    // The shown ages change even if no book arrives.
    timer = setTimeout(draw, STATUS_MS)
    drawnAtMs = Date.now()
    const { columns = 80, rows = 24 } = process.stdout
    const lines = gossipTable(node.state(), { origin, columns, rows, isColoured })
    process.stdout.write(`\x1b[H${lines.map(line => `${line}\x1b[K`).join('\r\n')}\x1b[J`)
  }
  let drawnAtMs = 0
  const onResize = (): void => draw()
  process.stdout.write(ENTER)
  process.stdout.on('resize', onResize)
  const leave = (): void => void process.stdout.write(LEAVE)
  process.on('exit', leave)
  draw()
  return {
    onNews: () => {
      if (Date.now() - drawnAtMs >= DRAW_MS_MIN) return draw()
      clearTimeout(timer)
      timer = setTimeout(draw, DRAW_MS_MIN)
    },
    end: () => {
      clearTimeout(timer)
      process.stdout.off('resize', onResize)
      process.off('exit', leave)
      leave()
    },
  }
}

/** Resolves when the node should stop. */
function stopRequested(isTethered: boolean): Promise<void> {
  return new Promise(resolve => {
    for (const signal of SIGNALS) process.on(signal, () => resolve())
    process.stdout.on('error', () => resolve()) // the reader is gone
    if (!isTethered) return
    process.stdin.on('error', () => resolve())
    process.stdin.on('close', () => resolve())
    process.stdin.on('end', () => resolve())
    process.stdin.resume()
  })
}

async function readBooks(): Promise<string[]> {
  try {
    return (await readFile(BOOKS, 'utf8')).split('\n').filter(line => line !== '')
  } catch (cause) {
    throw new ChatError('DATA_UNUSABLE', `cannot read the books: ${reasonOf(cause)}`, {
      cause,
      hint: 'Reinstall the program: data/books.txt is part of it.',
    })
  }
}
