/**
 * Longest wait for something that takes a moment on a quiet machine. Long, because other programs may use the processors, and a disk
 * may take many seconds to sync: only what never comes should fail a test.
 */
export const PATIENCE_MS = 120_000
