import type { Cancel, Clock } from '../base/clock.js'
import { sanitise } from '../base/safe-text.js'
import type { DialAttempt } from '../net/topology.js'

/** Changes that follow each other closely are told together. */
const SETTLED_MS = 2_000

/** Names of one line. */
const NAMED_MAX = 6

export interface ConnectionSummary {
  readonly linked: readonly string[]
  readonly trials: readonly DialAttempt[]
  /** How many more are there, by way of those who are linked. */
  readonly heard?: number
}

/** Says in one line who is linked, who is tried and why that fails, whenever that has changed and came to rest. */
export class ConnectionSummaries {
  readonly #clock: Clock
  readonly #read: () => ConnectionSummary
  readonly #say: (line: string) => void
  #cancel: Cancel = () => {}
  #told = ''

  constructor(clock: Clock, read: () => ConnectionSummary, say: (line: string) => void) {
    this.#clock = clock
    this.#read = read
    this.#say = say
  }

  /** Something may have changed. */
  update(): void {
    this.#cancel()
    this.#cancel = this.#clock.after(SETTLED_MS, () => this.#tell())
  }

  close(): void {
    this.#cancel()
  }

  /**
   * Of two who are linked, or one who is not, all is said already. How often somebody was tried, or how many are heard of, is
   * no news by itself.
   */
  #tell(): void {
    const { linked, trials, heard = 0 } = this.#read()
    const state = JSON.stringify([[...linked].sort(), trials.map(({ name, reason }) => `${name} ${reason}`).sort()])
    if (state === this.#told) return
    this.#told = state
    if (linked.length + trials.length < (trials.length === 0 ? 3 : 2)) return
    const tried = trials.map(({ name, reason, tries }) => `${name} (${reason}${tries > 1 ? `, ${tries} times` : ''})`)
    const parts = [
      linked.length === 0 ? 'linked with nobody' : `linked with ${namesOf(linked)}`,
      ...(heard === 0 ? [] : [`${heard} more through them`]),
      ...(tried.length === 0 ? [] : [`trying ${namesOf(tried)}`]),
    ]
    this.#say(sanitise(parts.join('; ')))
  }
}

function namesOf(names: readonly string[]): string {
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : ''
  return names.slice(0, NAMED_MAX).join(', ') + more
}
