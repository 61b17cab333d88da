import { type AuthorId, authorOfLog, type LogId } from '../format/author.js'
import { stubsOf } from '../format/chain.js'
import { isControlEntry, packedHlc } from '../format/entry.js'
import { EARLIEST, type Hlc } from '../format/hybrid-clock.js'
import { isStub } from '../format/packed.js'

/** Which content of a log is given to somebody: all of their own, and that of others dated `from` or later. */
export function isAllGiven(log: LogId, to: AuthorId | undefined, from: Hlc | undefined): from is undefined {
  return from === undefined || authorOfLog(log) === to
}

/** How many of the entries, which are consecutive, are dated before `from`: dates increase along a log. */
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
