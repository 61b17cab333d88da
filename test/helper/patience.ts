/**
 * Longest wait for an event that is immediate on an idle machine. Long, because other programs may use the processors, and a disk may
 * take many seconds to sync: a test should fail only if the event never happens.
 */
export const PATIENCE_MS = 120_000
