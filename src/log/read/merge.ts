import TinyQueue from 'tinyqueue'
import type { AuthorId, Seq } from '../format/author.js'
import type { Entry } from '../format/entry.js'
import type { Hlc } from '../format/hybrid-clock.js'
import type { SeqRange } from './subscription.js'

/** A log's part of the history: which entries, and between which `at`s they lie. */
export interface LogRange extends SeqRange {
  readonly first: Hlc
  readonly last: Hlc
}

type Pages = AsyncGenerator<readonly Entry[]>

/** How a log is read; the direction is the caller's. */
export type ReadLog = (span: SeqRange) => Pages

/** A log in the merge. Its page is empty until it is its turn, so that logs are opened only when they are needed. */
interface Cursor {
  readonly author: AuthorId
  pages: Pages | undefined
  page: readonly Entry[]
  index: number
  /** `at` of the entry that comes next; before the log is opened, a bound for it. */
  at: Hlc
}

/** Entries that one merge hands out at a time. */
const BATCH_ENTRIES_MAX = 512

/**
 * The entries of all stretches in order of conversation: by `at`, then author, then seq; `backwards` from the end.
 * Holds one page a log, and of those only the logs whose time has come. PROTOCOL.md §3.3.
 */
export async function* merge(
  stretches: readonly LogRange[],
  read: ReadLog,
  backwards = false,
  batchMax = BATCH_ENTRIES_MAX,
): AsyncGenerator<Entry[]> {
  const order = backwards ? (a: Cursor, b: Cursor) => compare(b, a) : compare
  const spans = new Map<AuthorId, LogRange>(stretches.map(stretch => [stretch.author, stretch]))
  const queue = new TinyQueue<Cursor>(
    stretches.map(({ author, first, last }) => ({
      author,
      pages: undefined,
      page: [],
      index: 0,
      at: backwards ? last : first,
    })),
    order,
  )
  const opened: Pages[] = []
  try {
    let batch: Entry[] = []
    for (let cursor = queue.pop(); cursor !== undefined; cursor = queue.pop()) {
      const span = spans.get(cursor.author)
      if (cursor.pages === undefined && span !== undefined) {
        cursor.pages = read(span)
        opened.push(cursor.pages)
        if (await turnPage(cursor)) queue.push(cursor)
        continue
      }
      const next = queue.peek()
      let isOpen = true
      do {
        const entry = cursor.page[cursor.index++]
        if (entry !== undefined) batch.push(entry)
        if (batch.length >= batchMax) {
          yield batch
          batch = []
        }
        isOpen = advance(cursor) || (await turnPage(cursor))
      } while (isOpen && (next === undefined || order(cursor, next) < 0))
      if (isOpen) queue.push(cursor)
    }
    if (batch.length > 0) yield batch
  } finally {
    for (const pages of opened) await pages.return(undefined)
  }
}

/**
 * Where the last `count` entries of the conversation begin: for each log the first seq that belongs to them.
 * Reads about `count` entries, from the end.
 */
export async function lastEntries(
  stretches: readonly LogRange[],
  readBack: ReadLog,
  count: number,
): Promise<Map<AuthorId, Seq>> {
  const from = new Map<AuthorId, Seq>()
  let left = count
  if (left > 0) {
    for await (const batch of merge(stretches, readBack, true, Math.min(count, BATCH_ENTRIES_MAX))) {
      for (const entry of batch.slice(0, left)) from.set(entry.author, entry.seq)
      left -= batch.length
      if (left <= 0) break
    }
  }
  return from
}

function compare(a: Cursor, b: Cursor): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1
  return a.author < b.author ? -1 : 1
}

function advance(cursor: Cursor): boolean {
  const entry = cursor.page[cursor.index]
  if (entry === undefined) return false
  cursor.at = entry.at
  return true
}

async function turnPage(cursor: Cursor): Promise<boolean> {
  cursor.index = 0
  for (;;) {
    const { done, value } = (await cursor.pages?.next()) ?? { done: true, value: undefined }
    if (done || value === undefined) return false
    cursor.page = value
    if (advance(cursor)) return true
  }
}
