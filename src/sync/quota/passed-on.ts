import type { LogId } from '../../log/format/author.js'
import { PASSED_ON_LOGS_MAX, PASSED_ON_MAX } from './limits.js'

/**
 * Selects the relayed logs of strangers that are not passed on. All logs that one peer passes on use one share of the pool of
 * each receiver, so the peer divides that share as a pool is divided: while there is room, everything is passed on, so that a newcomer
 * gets all of a room in which nobody knows anybody. Beyond PASSED_ON_LOGS_MAX logs, introducers share them max-min: the latest logs of
 * the heaviest introducers are kept back; PASSED_ON_MAX of each are always passed on. `relayed`: the logs of each introducer, in order.
 */
export function keptBack(relayed: readonly (readonly LogId[])[]): Set<LogId> {
  const level = levelOf(relayed.map(({ length }) => length))
  return new Set(relayed.flatMap(logs => logs.slice(level)))
}

/** Most logs of one introducer that are passed on. */
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
