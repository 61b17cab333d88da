import type { Millis } from '../../base/clock.js'
import type { NodeEvent } from '../events.js'

type EventKind = NodeEvent['kind']

const WINDOW_MS: Millis = 60_000

/** Of these kinds, COMINGS_MAX events about strangers are reported in a minute; of any other kind, one. */
const COMINGS: readonly EventKind[] = ['connection-opened', 'connection-lost', 'peer-left']
const COMINGS_MAX = 8

/** Rate limit for events about strangers, who may reconnect or send malformed frames again and again. */
export class StrangerNotices {
  readonly #windows = new Map<EventKind, { readonly since: Millis; count: number }>()

  /** Whether an event of this kind about a stranger is reported. */
  allows(kind: EventKind, now: Millis): boolean {
    const window = this.#windows.get(kind)
    if (window === undefined || Math.abs(now - window.since) >= WINDOW_MS) {
      this.#windows.set(kind, { since: now, count: 1 })
      return true
    }
    window.count++
    return window.count <= (COMINGS.includes(kind) ? COMINGS_MAX : 1)
  }
}
