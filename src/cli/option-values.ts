import { InvalidArgumentError } from 'commander'
import { momentOf } from './commands/dates.js'

/** A whole number within bounds. */
export const between =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d{1,9}$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}.`)
    return value
  }

/** A number within bounds, with decimals if need be. */
export const decimalBetween =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d{1,6}(\.\d{1,6})?$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It takes a number from ${min} to ${max}.`)
    return value
  }

/** A whole number. */
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It takes a whole number.')
  return value
}

/** A number, with decimals if need be. */
export function number(text: string): number {
  if (!/^\d{1,6}(\.\d{1,6})?$/.test(text)) throw new InvalidArgumentError('It takes a number.')
  return Number(text)
}

/** A share of all, of which something has to be left. */
export function share(text: string): number {
  const value = number(text)
  if (value > 0.9) throw new InvalidArgumentError('It takes a share from 0 to 0.9.')
  return value
}

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
