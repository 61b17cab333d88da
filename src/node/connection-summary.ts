import type { Cancel, Clock } from '../base/clock.js'
import { sanitise } from '../base/safe-text.js'
import type { DialAttempt } from '../net/dial-target.js'

/** Changes within this time are reported together. */
const SETTLED_MS = 2_000

/** Names in one line. */
const NAMES_MAX = 6

export interface ConnectionSummary {
  /** Names of the connected peers. */
  readonly connected: readonly string[]
  readonly dialing: readonly DialAttempt[]
  /** How many more peers are present according to the connected ones. */
  readonly indirect?: number
}

/** Reports the connections and dial attempts in one line, each time they have changed and settled. */
export class ConnectionSummaries {
  readonly #clock: Clock
  readonly #read: () => ConnectionSummary
  readonly #report: (line: string) => void
  #cancel: Cancel = () => {}
  #reported = ''

  constructor(clock: Clock, read: () => ConnectionSummary, report: (line: string) => void) {
    this.#clock = clock
    this.#read = read
    this.#report = report
  }

  /** To be called when connections or dial attempts may have changed. */
  update(): void {
    this.#cancel()
    this.#cancel = this.#clock.after(SETTLED_MS, () => this.#reportChange())
  }

  close(): void {
    this.#cancel()
  }

  /**
   * Skips states that single notices have covered: up to two connections, or one peer that is dialled. Another try, or
   * another number of indirect peers, is not a change by itself.
   */
  #reportChange(): void {
    const { connected, dialing, indirect = 0 } = this.#read()
    const state = JSON.stringify([[...connected].sort(), dialing.map(({ name, reason }) => `${name} ${reason}`).sort()])
    if (state === this.#reported) return
    this.#reported = state
    if (connected.length + dialing.length < (dialing.length === 0 ? 3 : 2)) return
    const attempts = dialing.map(
      ({ name, reason, tries }) => `${name} (${reason}${tries > 1 ? `, ${tries} times` : ''})`,
    )
    const clauses = [
      connected.length === 0 ? 'connected to no one' : `connected to ${namesOf(connected)}`,
      ...(indirect === 0 ? [] : [`${indirect} more through them`]),
      ...(attempts.length === 0 ? [] : [`trying ${namesOf(attempts)}`]),
    ]
    this.#report(sanitise(clauses.join('; ')))
  }
}

function namesOf(names: readonly string[]): string {
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : ''
  return names.slice(0, NAMES_MAX).join(', ') + more
}
