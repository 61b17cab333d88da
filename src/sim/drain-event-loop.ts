/**
 * Resolves when nothing moves any more: all that was promised has been told on. In the simulator nothing waits but for
 * virtual time, so that one turn of the event loop, which empties the queues of both promises and ticks, is enough.
 */
export const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
