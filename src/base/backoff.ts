import type { Millis } from './clock.js'

/** First and longest wait before an attempt is repeated. */
export const RETRY_MS_MIN = 250
export const RETRY_MS_MAX = 30_000

/** Wait before attempt `attempt` (0, 1, 2, …): exponential backoff with a cap, of which a random half is left out. */
export const retryDelayMs = (attempt: number, random: () => number): Millis =>
  Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(attempt, 32)) * (0.5 + random() / 2)
