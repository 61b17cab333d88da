import type { Cancel, Clock, Millis } from '../../base/clock.js'
import type { ConnectionSummary, NodeEvent } from '../events.js'

/** Changes within this time are reported together. */
const SETTLED_MS = 2_000
/** Shortest time between two reports: strangers who come and go cause them too. */
const REPORT_MS: Millis = 60_000

/** Reports the connections and dial attempts when they have changed and settled, once a minute at most. */
export class ConnectionSummaries {
  readonly #clock: Clock
  readonly #read: () => ConnectionSummary
  readonly #report: (event: NodeEvent) => void
  #cancel: Cancel = () => {}
  #reported = ''
  #reportedAt: Millis | undefined

  constructor(clock: Clock, read: () => ConnectionSummary, report: (event: NodeEvent) => void) {
    this.#clock = clock
    this.#read = read
    this.#report = report
  }

  /** To be called when connections or dial attempts may have changed. */
  update(): void {
    this.#cancel()
    const sinceMs = this.#reportedAt === undefined ? REPORT_MS : Math.abs(this.#clock.now() - this.#reportedAt)
    this.#cancel = this.#clock.after(Math.max(SETTLED_MS, REPORT_MS - sinceMs), () => this.#reportChange())
  }

  close(): void {
    this.#cancel()
  }

  /**
   * Skips states that other events have reported already: up to two connections, or one dialled peer. Another attempt to
   * dial, or a different number of indirect peers, is not a change by itself.
   */
  #reportChange(): void {
    const { connected, plain = [], dialing, indirect = 0 } = this.#read()
    const state = JSON.stringify([
      [...connected].sort(),
      dialing.map(({ name, reason, detail = '' }) => `${name} ${reason} ${detail}`).sort(),
    ])
    if (state === this.#reported) return
    this.#reported = state
    if (connected.length + dialing.length < (dialing.length === 0 ? 3 : 2)) return
    this.#reportedAt = this.#clock.now()
    this.#report({ kind: 'connections-changed', connected, plain, dialing, indirect })
  }
}
