import type { LogId } from '../../log/format/author.js'
import { PASSED_ON_LOGS_MAX, PASSED_ON_MAX } from './limits.js'

/**
 * The hearsay of strangers that is not passed on. What one peer passes on counts as one share at each of its peers, so it divides that
 * share as they divide their pools: while there is room everything is passed on, so that a newcomer gets all of a room in which nobody
 * knows anybody. When there are more than PASSED_ON_LOGS_MAX logs, introducers share them max-min, and the latest logs of those that
 * brought most are kept back; PASSED_ON_MAX of each are always passed on. `hearsay`: the logs of each introducer, in order.
 */
export function keptBack(hearsay: readonly (readonly LogId[])[]): Set<LogId> {
  const level = levelOf(hearsay.map(({ length }) => length))
  return new Set(hearsay.flatMap(logs => logs.slice(level)))
}

/** How many logs of each introducer are passed on, if they brought so many. */
function levelOf(counts: readonly number[]): number {
  let room = PASSED_ON_LOGS_MAX
  let sharers = counts.length
  for (const count of counts.toSorted((a, b) => a - b)) {
    if (count * sharers > room) return Math.max(PASSED_ON_MAX, Math.floor(room / sharers))
    room -= count
    sharers--
  }
  return Number.POSITIVE_INFINITY
}
