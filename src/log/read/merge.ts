import TinyQueue from 'tinyqueue'
import type { LogId } from '../format/author.js'
import type { Entry } from '../format/entry.js'
import { addGap } from '../format/gap.js'
import type { Hlc } from '../format/hybrid-clock.js'
import type { SeqRange } from './subscription.js'

/** A range of one log and the first and last `at` of that log. */
export interface LogRange extends SeqRange {
  readonly first: Hlc
  readonly last: Hlc
}

type Pages = AsyncGenerator<readonly Entry[]>

/** Reads one log, forwards or backwards. */
export type ReadLog = (range: SeqRange) => Pages

/** One log in the merge. It is opened when it is first at the front of the queue. */
interface Cursor {
  readonly author: LogId
  pages: Pages | undefined
  page: readonly Entry[]
  index: number
  /** `at` of the next entry; before the log is opened, a bound on it. */
  at: Hlc
}

/** Entries in one batch. */
export const BATCH_ENTRIES_MAX = 512

/**
 * The entries of all ranges in conversation order: by `at`, then author, then seq; with `backwards` in reverse.
 * Keeps one page in memory per open log. docs/protocol/logs.md §3.3.
 */
export async function* merge(
  ranges: readonly LogRange[],
  read: ReadLog,
  backwards = false,
  batchMax = BATCH_ENTRIES_MAX,
): AsyncGenerator<Entry[]> {
  const order = backwards ? (a: Cursor, b: Cursor) => compare(b, a) : compare
  const byAuthor = new Map<LogId, LogRange>(ranges.map(range => [range.author, range]))
  const queue = new TinyQueue<Cursor>(
    ranges.map(({ author, first, last }) => ({
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
      const range = byAuthor.get(cursor.author)
      if (cursor.pages === undefined && range !== undefined) {
        cursor.pages = read(range)
        opened.push(cursor.pages)
        if (await turnPage(cursor)) queue.push(cursor)
        continue
      }
      const next = queue.peek()
      let isOpen = true
      do {
        const entry = cursor.page[cursor.index++]
        if (entry?.gap !== undefined) addGap(batch, entry)
        else if (entry !== undefined) batch.push(entry)
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
