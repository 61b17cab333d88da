import { randomBytes } from 'node:crypto'

/** Chance as an argument: the system's here, seeded in tests. */
export interface Random {
  /** A number from 0 up to, but not including, 1. */
  number(): number
  /** Fresh bytes that nobody can guess. */
  bytes(length: number): Uint8Array
}

export const systemRandom: Random = {
  number: () => randomBytes(4).readUInt32BE() / 2 ** 32,
  bytes: length => randomBytes(length),
}
