import { InvalidArgumentError } from 'commander'
import { momentOf } from '../session/dates.js'

/** A whole number within bounds. */
export const between =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d{1,10}$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}.`)
    return value
  }

/** A number within bounds, with decimals if need be. */
export const decimalBetween =
  (min: number, max: number, what = 'number') =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d{1,6}(\.\d{1,6})?$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It takes a ${what} from ${min} to ${max}.`)
    return value
  }

/** A whole number. */
export const wholeNumber = between(0, 999_999_999)

/** A number, with decimals if need be. */
export const number = decimalBetween(0, 999_999)

/** The longest wait that a timer can count: more would end at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** Seconds to wait for something. */
export const seconds = between(0, Math.floor(TIMER_MS_MAX / 1_000))

/** A share of all, of which something has to be left. */
export const share = decimalBetween(0, 0.9, 'share')

/** What a packet takes, in milliseconds. */
export interface Delay {
  readonly min: number
  readonly max: number
}

export function delay(text: string): Delay {
  const [, first = '', second = first] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text) ?? []
  if (first === '' || Number(second) < Number(first) || Number(second) > 60_000)
    throw new InvalidArgumentError('It takes milliseconds as 5 or as 1-30, at most 60000.')
  return { min: Number(first), max: Number(second) }
}

/** A moment, in milliseconds since 1970. */
export function moment(text: string): number {
  const value = momentOf(text, Date.now())
  if (value === undefined) throw new InvalidArgumentError('It takes a time like 14:03, 2026-11-21 or 2026-11-21T10:00.')
  return value
}

/** Help text of `--data`. */
export const DATA_HELP =
  'where the logs are kept (default: $PERSISTED_CHAT_DATA, else ./data if in use, else the platform data directory)'
