import { isSigned, type LogId, type Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import type { Hlc } from '../log/format/hybrid-clock.js'
import type { Log } from '../log/log.js'

type ReadLog = Pick<Log, 'head' | 'entries'>

/**
 * Where a reader starts in each log in order to read the entry at `place` and up to `count` entries before it. Empty if
 * the entry is not stored.
 */
export async function marksBefore(log: ReadLog, place: Digest, count: number): Promise<readonly Digest[]> {
  const at = await timeOf(log, place.author, place.seq)
  if (at === undefined) return []
  const marks: Digest[] = []
  for (const { author, seq } of log.head) {
    // Entries of an unsigned author are not necessarily in the order of their times.
    const before = isSigned(author) ? await countBefore(log, { author, seq }, at) : 0
    marks.push({ author, seq: Math.max(0, before - count) })
  }
  return marks
}

/** How many entries of a log are older than `at`, by binary search. */
async function countBefore(log: ReadLog, { author, seq: last }: Digest, at: Hlc): Promise<Seq> {
  let [low, high] = [0, last]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const found = await timeOf(log, author, middle)
    if (found === undefined) return 0
    if (found < at) low = middle
    else high = middle - 1
  }
  return low
}

/** The time of an entry, with or without content. */
async function timeOf(log: ReadLog, author: LogId, seq: Seq): Promise<Hlc | undefined> {
  for await (const [entry] of log.entries({ author, from: seq, to: seq + 1 })) return entry?.at
  return undefined
}
