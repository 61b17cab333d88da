import type { LogId } from '../../log/format/author.js'
import { PASSED_ON_LOGS_MAX, PASSED_ON_MAX } from './limits.js'

/**
 * Selects the relayed logs of strangers that are not passed on. Each receiver charges all logs that this peer passes on to one share of its
 * pool, so this peer divides that share like a pool. While there is room, everything is passed on: in a room in which nobody knows anybody,
 * a newcomer gets all logs. Beyond PASSED_ON_LOGS_MAX logs, introducers share them max-min: the latest logs of the heaviest introducers are
 * not passed on. PASSED_ON_MAX logs of each introducer are always passed on. `relayed`: the logs of each introducer, in order.
 */
export function keptBack(relayed: readonly (readonly LogId[])[]): Set<LogId> {
  const level = levelOf(relayed.map(({ length }) => length))
  return new Set(relayed.flatMap(logs => logs.slice(level)))
}

/** The maximum number of logs per introducer that are passed on. */
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
