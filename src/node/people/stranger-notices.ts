import type { Clock, Millis } from '../../base/clock.js'
import { MinuteSums } from '../../base/minute-sums.js'
import type { NodeEvent } from '../events.js'

const WINDOW_MS: Millis = 60_000

/** Kinds of events that are reported as a count when rate-limited: people want to know whether others are there. */
const SUMMED = {
  'connection-opened': 'strangers-came',
  'connection-lost': 'strangers-left',
  'peer-left': 'strangers-left',
} as const satisfies Partial<Record<NodeEvent['kind'], NodeEvent['kind']>>

type SummedKind = keyof typeof SUMMED
type SumKind = (typeof SUMMED)[SummedKind]

const isSummed = (kind: NodeEvent['kind']): kind is SummedKind => Object.hasOwn(SUMMED, kind)

/**
 * Rate limit for events about strangers: one of each kind a minute. The first is reported at once. Further arrivals and departures are
 * reported as a count at the end of the minute; further events of other kinds are dropped.
 */
export class StrangerNotices {
  readonly #clock: Clock
  readonly #onEvent: (event: NodeEvent) => void
  readonly #reportedAt = new Map<NodeEvent['kind'], Millis>()
  readonly #sums: MinuteSums<SumKind>

  constructor(clock: Clock, onEvent: (event: NodeEvent) => void) {
    this.#clock = clock
    this.#onEvent = onEvent
    this.#sums = new MinuteSums(clock, (kind, count) => onEvent({ kind, count }))
  }

  /** Something about a stranger happened. */
  report(event: NodeEvent): void {
    const { kind } = event
    if (isSummed(kind) ? this.#sums.isFirst(SUMMED[kind]) : this.#isDue(kind)) this.#onEvent(event)
  }

  close(): void {
    this.#sums.close()
  }

  #isDue(kind: NodeEvent['kind']): boolean {
    const now = this.#clock.now()
    const before = this.#reportedAt.get(kind)
    if (before !== undefined && Math.abs(now - before) < WINDOW_MS) return false
    this.#reportedAt.set(kind, now)
    return true
  }
}
