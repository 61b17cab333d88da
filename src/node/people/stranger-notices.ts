import type { Cancel, Clock, Millis } from '../../base/clock.js'
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
  readonly #sums = new Map<SumKind, { count: number; cancel: Cancel }>()

  constructor(clock: Clock, onEvent: (event: NodeEvent) => void) {
    this.#clock = clock
    this.#onEvent = onEvent
  }

  /** Something about a stranger happened. */
  report(event: NodeEvent): void {
    if (isSummed(event.kind)) this.#sum(SUMMED[event.kind], event)
    else if (this.#isDue(event.kind)) this.#onEvent(event)
  }

  close(): void {
    for (const { cancel } of this.#sums.values()) cancel()
    this.#sums.clear()
  }

  #isDue(kind: NodeEvent['kind']): boolean {
    const now = this.#clock.now()
    const before = this.#reportedAt.get(kind)
    if (before !== undefined && Math.abs(now - before) < WINDOW_MS) return false
    this.#reportedAt.set(kind, now)
    return true
  }

  #sum(kind: SumKind, event: NodeEvent): void {
    const sum = this.#sums.get(kind)
    if (sum !== undefined) {
      sum.count++
      return
    }
    this.#begin(kind)
    this.#onEvent(event)
  }

  #begin(kind: SumKind): void {
    this.#sums.set(kind, { count: 0, cancel: this.#clock.after(WINDOW_MS, () => this.#end(kind)) })
  }

  /** Reports the count, and starts another minute, so that the next stranger does not cause a second notice right away. */
  #end(kind: SumKind): void {
    const count = this.#sums.get(kind)?.count ?? 0
    this.#sums.delete(kind)
    if (count === 0) return
    this.#begin(kind)
    this.#onEvent({ kind, count })
  }
}
