import { createHash } from 'node:crypto'

/** A generator of numbers with 0 ≤ n < 1, determined by the seed (mulberry32). */
export type Chance = () => number

export function chance(seed: number): Chance {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A whole number with `from ≤ number < to`. */
export const between = (random: Chance, from: number, to: number): number => from + Math.floor(random() * (to - from))

/** The text of a token: the token, then up to 8 KiB derived from it, which do not compress. */
export function textOf(token: string): string {
  const size = createHash('sha256').update(token).digest().readUInt16BE()
  const bytes = size < 40_000 ? size % 48 : size < 60_000 ? size % 1_024 : size % 6_144
  return `${token} ${createHash('shake256', { outputLength: bytes + 8 })
    .update(token)
    .digest('base64')}`
}

/** The token of a complete text; undefined if any character differs. */
export function tokenOf(message: string): string | undefined {
  const token = message.slice(0, message.indexOf(' '))
  return textOf(token) === message ? token : undefined
}
