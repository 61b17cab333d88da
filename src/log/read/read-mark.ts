import type { LogId, Seq } from '../format/author.js'
import type { Digest } from '../format/heads.js'
import { type PlaceRange, Places } from '../format/places.js'
import { PASSED_MAX, type ReadMark } from '../options.js'

/**
 * The mark after an entry was read. It advances to the entry, and records the places with missing content in between as passed. If the mark
 * was already beyond the entry, the entry is no longer recorded as passed. Undefined if the mark does not change.
 */
export function advanced(
  mark: ReadMark | undefined,
  { author, seq }: Digest,
  missing: readonly PlaceRange[] = [],
): ReadMark | undefined {
  const passed = new Places(mark?.passed)
  const before = mark?.seq ?? 0
  if (seq > before) {
    for (const { from, to } of new Places(missing).within(before + 1, seq + 1)) passed.add(from, to)
    return markOf(author, seq, passed)
  }
  if (mark === undefined || !passed.has(seq)) return undefined
  passed.remove(seq, seq + 1)
  return markOf(author, before, passed, mark.chain)
}

/** The union of two marks of a log: an entry that either counts as read is read. */
export function unionOf(a: ReadMark, b: ReadMark): ReadMark {
  const further = a.seq >= b.seq ? a : b
  const unread = ({ seq, passed }: ReadMark): Places => {
    const places = new Places(passed)
    places.add(seq + 1, further.seq + 1)
    return places
  }
  const other = unread(b)
  const passed = new Places(unread(a).ranges.flatMap(({ from, to }) => other.within(from, to)))
  return markOf(further.author, further.seq, passed, further.chain)
}

/** Whether two marks treat the same entries as read. */
export const isSameMark = (a: ReadMark | undefined, b: ReadMark): boolean =>
  a?.seq === b.seq && JSON.stringify(a.passed ?? []) === JSON.stringify(b.passed ?? [])

/** The parts of a mark before a fork, and in one of its branches. */
export function dividedAt(mark: ReadMark, forkedAt: Seq, branch: LogId): readonly [ReadMark, ReadMark] {
  const passed = new Places(mark.passed)
  const behind = passed.within(forkedAt, mark.seq + 1)
  return [
    markOf(mark.author, forkedAt - 1, new Places(passed.within(1, forkedAt))),
    markOf(
      branch,
      mark.seq - forkedAt + 1,
      new Places(behind.map(({ from, to }) => ({ from: from - forkedAt + 1, to: to - forkedAt + 1 }))),
      mark.chain,
    ),
  ]
}

function markOf(author: LogId, seq: Seq, { ranges }: Places, chain?: Uint8Array): ReadMark {
  // Beyond PASSED_MAX ranges, the oldest count as read.
  const passed = ranges.slice(-PASSED_MAX)
  return { author, seq, ...(chain !== undefined && { chain }), ...(passed.length > 0 && { passed }) }
}
