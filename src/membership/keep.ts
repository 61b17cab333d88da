import type { Keep } from './format/body.js'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const TIME_UNITS: Readonly<Record<string, number>> = {
  m: MINUTE_MS,
  h: 60 * MINUTE_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
  y: 365 * DAY_MS,
}
const SIZE_UNITS: Readonly<Record<string, number>> = { mb: 1e6, gb: 1e9 }

/** Smallest bound on the size of a room: below it, the database's own files would be most of the room. */
export const KEEP_BYTES_MIN = 16e6

/** Keeps everything. */
const EVERYTHING: Keep = { unit: 'everything', amount: 0 }

/** The bound that the user typed: `90d`, `500MB` or `all`; undefined for anything else. */
export function keepOf(text: string): Keep | undefined {
  if (text.toLowerCase() === 'all') return EVERYTHING
  const [, digits = '', unit = ''] = /^(\d{1,6})([a-z]{1,2})$/i.exec(text) ?? []
  const count = Number(digits)
  const [time, size] = [TIME_UNITS[unit], SIZE_UNITS[unit.toLowerCase()]]
  if (count === 0) return undefined
  if (time !== undefined) return { unit: 'milliseconds', amount: count * time }
  return size === undefined || count * size < KEEP_BYTES_MIN ? undefined : { unit: 'bytes', amount: count * size }
}

/** The text of a bound as it is typed, in the largest unit that gives a whole number. */
export function keepText({ unit, amount }: Keep): string {
  if (unit === 'everything') return 'all'
  const units = unit === 'bytes' ? { MB: 1e6, GB: 1e9 } : { m: MINUTE_MS, h: 60 * MINUTE_MS, d: DAY_MS }
  const [name, size] = Object.entries(units)
    .filter(([, size]) => amount % size === 0)
    .sort(([, a], [, b]) => b - a)[0] ?? [unit === 'bytes' ? 'MB' : 'm', unit === 'bytes' ? 1e6 : MINUTE_MS]
  return `${Math.ceil(amount / size)}${name}`
}
