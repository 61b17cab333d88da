/**
 * Resolves when all promise callbacks and ticks have run. Simulated programs wait only for virtual time, so one turn of
 * the event loop is enough.
 */
export const drainEventLoop = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
