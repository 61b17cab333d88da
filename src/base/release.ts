/** When this release was made, in milliseconds since 1970. A clock that is earlier is no clock. */
export const RELEASED_AT_MS = Date.UTC(2026, 10, 21)

/** How long after its release a clock is still plausible without being confirmed. */
export const PLAUSIBLE_MS = 3 * 365 * 24 * 60 * 60 * 1000
