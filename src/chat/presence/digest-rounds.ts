import type { Millis } from '../../base/clock.js'

/**
 * Interval between rounds. Digests are sent round-robin: each round goes to the next quarter of the connections, and to
 * at least three.
 */
const ROUND_MS = 5_000
const ROUNDS = 4
const CONNECTIONS_MIN = 3

/** Decides when the next round of digests is due, and which connections it goes to. */
export class DigestRounds {
  readonly #random: () => number
  #dueAt: Millis = 0
  /** Digests sent so far: the position of the round-robin. */
  #sent = 0

  constructor(random: () => number) {
    this.#random = random
  }

  get dueAt(): Millis {
    return this.#dueAt
  }

  isDue(now: Millis): boolean {
    // If the clock was set back, the next round must not be hours away.
    this.#dueAt = Math.min(this.#dueAt, now + ROUND_MS)
    return now >= this.#dueAt
  }

  /** Starts a round. */
  start(now: Millis): void {
    this.#dueAt = now + ROUND_MS * (0.8 + this.#random() / 5)
  }

  /** Picks the connections whose turn it is. */
  pick<T>(connections: readonly T[]): T[] {
    const share = Math.max(CONNECTIONS_MIN, Math.ceil(connections.length / ROUNDS))
    const count = Math.min(connections.length, share)
    const first = this.#sent
    this.#sent += count
    return Array.from({ length: count }, (_, i) => connections[(first + i) % connections.length] as T)
  }
}
