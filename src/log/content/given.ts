import { type AuthorId, authorOfLog, type LogId } from '../format/author.js'
import { stubsOf } from '../format/chain.js'
import { isControlEntry, packedHlc } from '../format/entry.js'
import { EARLIEST, type Hlc } from '../format/hybrid-clock.js'
import { isStub } from '../format/packed.js'

/**
 * Whether an author is given all content of a log: it is their own log, or there is no `from`. Otherwise only content dated `from` or later
 * is given.
 */
export function isAllGiven(log: LogId, to: AuthorId | undefined, from: Hlc | undefined): from is undefined {
  return from === undefined || authorOfLog(log) === to
}

/** Number of entries dated before `from`. The entries are consecutive, so their dates increase. */
export function countBefore(entries: readonly Uint8Array[], from: Hlc): number {
  let [low, high] = [0, entries.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((packedHlc(entries[middle] as Uint8Array) ?? EARLIEST) < from) low = middle + 1
    else high = middle
  }
  return low
}

/** The entries with stubs in place of content dated before `from`. Control entries are always given. */
export function givenOf(entries: readonly Uint8Array[], from: Hlc): readonly Uint8Array[] {
  const before = countBefore(entries, from)
  return entries.map((entry, index) =>
    index >= before || isStub(entry) || isControlEntry(entry) ? entry : (stubsOf([entry])[0] as Uint8Array),
  )
}
