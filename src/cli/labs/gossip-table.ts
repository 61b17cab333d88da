import { styleText } from 'node:util'
import { sanitise } from '../../base/safe-text.js'
import type { BookState, NodeState } from '../../labs/gossip/open-node.js'
import { cellsOf, cut } from '../../ui/terminal/cells.js'

const COLOURS = ['cyan', 'green', 'yellow', 'magenta', 'blue'] as const
/** Books that are younger than this are highlighted. */
const FRESH_MS = 2_000
/** Columns beside the book: origin, version, age, hops, in/out. */
const FIXED_COLUMNS = 7 + 8 + 7 + 5 + 10

export interface TableOptions {
  readonly origin: string
  readonly columns: number
  readonly rows: number
  readonly isColoured: boolean
}

/** The state of a node as lines that fit on the screen. */
export function gossipTable({ port, books, peers, counts }: NodeState, options: TableOptions): string[] {
  const { columns, rows, isColoured } = options
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    isColoured ? styleText(style, text, { validateStream: false }) : text
  const count = (state: string): number => peers.filter(peer => peer.state === state).length
  const dead = new Set(peers.filter(({ state }) => state === 'dead').map(peer => peer.port))
  const bookColumns = Math.max(8, columns - FIXED_COLUMNS - 1)
  const line = (origin: string, book: string, rest: readonly [string, string, string, string]): string => {
    const [version, age, hops, traffic] = rest
    const end = version.padStart(8) + age.padStart(7) + hops.padStart(5) + traffic.padStart(10)
    return cut(origin.padEnd(7) + fitted(book, bookColumns) + end, columns)
  }
  const row = (book: BookState): string => {
    const { origin, version, ageMs, hops } = book
    const isOwn = origin === port
    const traffic = `${book.in}/${book.out}`
    const text = line(`${isOwn ? '*' : ' '}${origin}`, sanitise(book.payload.book), [
      String(version),
      ageOf(ageMs),
      isOwn ? '' : String(hops),
      traffic,
    ])
    if (dead.has(origin)) return paint(['dim', 'red'], text)
    const colour = COLOURS[origin % COLOURS.length] ?? 'cyan'
    return paint(ageMs < FRESH_MS ? ['bold', colour] : colour, text)
  }
  const head = [
    paint('bold', cut(`node ${port}   ${options.origin}/   Ctrl-C to stop`, columns)),
    cut(
      `${books.length} books   peers: ${count('live')} live, ${count('heard')} not contacted yet, ${count('dead')} dead   ` +
        `messages: ${counts.received} in, ${counts.sent} out, ${counts.duplicates} duplicates`,
      columns,
    ),
    '',
    paint('dim', line('origin', 'book', ['version', 'age', 'hops', 'in/out'])),
  ]
  const room = Math.max(1, rows - head.length)
  const own = books.filter(({ origin }) => origin === port)
  const others = books.filter(({ origin }) => origin !== port)
  const all = [...own, ...others]
  const shown = all.length <= room ? all : all.slice(0, room - 1)
  const more = all.length - shown.length
  return [...head, ...shown.map(row), ...(more > 0 ? [paint('dim', `… and ${more} more: ${options.origin}/`)] : [])]
}

function ageOf(ms: number): string {
  if (ms < 60_000) return `${Math.floor(ms / 1_000)} s`
  return ms < 3_600_000 ? `${Math.floor(ms / 60_000)} min` : `${Math.floor(ms / 3_600_000)} h`
}

/** `text` cut or padded to exactly `columns`. */
function fitted(text: string, columns: number): string {
  const short = cut(text, columns - 1)
  return short + ' '.repeat(columns - cellsOf(short))
}
