/** Milliseconds since 1970. */
export type Millis = number

/** Stops a timer; calling it again does nothing. */
export type Cancel = () => void

/** Time as an argument: the system clock in production, virtual time in tests and simulations. */
export interface Clock {
  now(): Millis
  /** Calls `action` once, after `delayMs`. A timer never keeps the process running. */
  after(delayMs: Millis, action: () => void): Cancel
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Resolves after `delayMs` of the clock. Unlike a timer of the clock, it keeps the process running until then. */
export async function pause(clock: Clock, delayMs: Millis): Promise<void> {
  const awake = setInterval(() => {}, delayMs)
  await new Promise<void>(resolve => void clock.after(delayMs, resolve)).finally(() => clearInterval(awake))
}
