import type { LogId, Seq } from '../format/author.js'
import { EARLIEST, type Hlc } from '../format/hybrid-clock.js'
import { BATCH_ENTRIES_MAX, type LogRange, merge, type ReadLog } from './merge.js'

/** Whether an entry counts among the last ones. */
export type IsCounted = (entry: Uint8Array) => boolean

/**
 * Largest number of entries read per counted entry requested. Fewer entries are found if the lines have more reactions than this on
 * average.
 */
const UNCOUNTED_MAX = 64

/** Number of entries of strangers shown along with `count` entries of known people. */
export const strangersMax = (count: number): number => Math.floor(count / 4)

/**
 * The parts of the ranges with the last `count` entries of the conversation. If the user knows some of the authors, these are the last
 * `count` entries of known people, and after the first of them at most the last `count / 4` entries of strangers, or more if known people
 * wrote fewer than `count`. So strangers cannot displace the entries of known people, however much they write.
 */
export async function lastRanges(
  ranges: readonly LogRange[],
  readBack: ReadLog,
  count: number,
  isKnown: (range: LogRange) => boolean = () => true,
  isCounted: IsCounted = () => true,
): Promise<LogRange[]> {
  const known = await lastEntries(ranges.filter(isKnown), readBack, count, EARLIEST, isCounted)
  const others = await lastEntries(
    ranges.filter(range => !isKnown(range)),
    readBack,
    Math.max(strangersMax(count), count - known.count),
    known.count < count ? EARLIEST : known.first,
    isCounted,
  )
  return ranges.flatMap(range => {
    const from = known.from.get(range.author) ?? others.from.get(range.author)
    return from === undefined ? [] : [{ ...range, from }]
  })
}

interface LastEntries {
  /** The seq of the earliest entry found in each log. */
  readonly from: ReadonlyMap<LogId, Seq>
  readonly count: number
  /** `at` of the earliest entry found, over all logs. */
  readonly first: Hlc
}

/**
 * The last `count` entries of the conversation after `after` that have content and are counted. Reads from the end, and at most `count *
 * UNCOUNTED_MAX` entries with content.
 */
export async function lastEntries(
  ranges: readonly LogRange[],
  readBack: ReadLog,
  count: number,
  after: Hlc = EARLIEST,
  isCounted: IsCounted = () => true,
): Promise<LastEntries> {
  const from = new Map<LogId, Seq>()
  let [found, first, left] = [0, EARLIEST, count * UNCOUNTED_MAX]
  if (count === 0) return { from, count: 0, first }
  for await (const batch of merge(ranges, readBack, true, Math.min(count, BATCH_ENTRIES_MAX))) {
    for (const { author, seq, at, gap, entry } of batch) {
      if (at < after) return { from, count: found, first }
      from.set(author, seq)
      first = at
      if (gap !== undefined) continue
      if (isCounted(entry) && ++found === count) return { from, count, first }
      if (--left === 0) return { from, count: found, first }
    }
  }
  return { from, count: found, first }
}
