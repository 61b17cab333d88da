/**
 * Seed of the random tests, and of fast-check. It is the same in every run, so that a failure repeats; PERSISTED_CHAT_TEST_SEED sets
 * another one. The long runs draw a new one each time, and print it.
 */
export const SEED = Number(process.env['PERSISTED_CHAT_TEST_SEED'] ?? 20_261)
