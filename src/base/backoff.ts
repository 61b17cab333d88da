import type { Millis } from './clock.js'

/** Shortest and longest delay before a retry. */
export const RETRY_MS_MIN = 250
export const RETRY_MS_MAX = 30_000

/** Delay before attempt `attempt` (0, 1, 2, …): capped exponential backoff, multiplied by a random factor from 0.5 to 1. */
export const retryDelayMs = (attempt: number, random: () => number): Millis =>
  Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(attempt, 32)) * (0.5 + random() / 2)
