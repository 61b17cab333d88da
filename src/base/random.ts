import { randomBytes } from 'node:crypto'

/** Randomness as an argument: the system's entropy in production, seeded in tests and simulations. */
export interface Random {
  /** A number from 0 up to, but not including, 1. */
  number(): number
  /** Unpredictable bytes. */
  bytes(length: number): Uint8Array
}

export const systemRandom: Random = {
  number: () => randomBytes(4).readUInt32BE() / 2 ** 32,
  bytes: length => randomBytes(length),
}

/** The items in random order. */
export const shuffled = <T>(items: Iterable<T>, random: () => number): T[] =>
  Array.from(items, item => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)
