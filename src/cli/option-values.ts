import { InvalidArgumentError } from 'commander'
import { momentOf } from '../base/moment.js'
import type { ChatOption } from './chat-options.js'

/** Parses one of these words. */
export const oneOf =
  (words: readonly string[]) =>
  (text: string): string => {
    if (!words.includes(text)) throw new InvalidArgumentError(`Expected one of ${words.join(', ')}.`)
    return text
  }

/** Parses a whole number within bounds. */
export const between =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d{1,10}$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`)
    return value
  }

/** Parses a number within bounds, which may have decimals. */
export const decimalBetween =
  (min: number, max: number, what = 'number') =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d{1,6}(\.\d{1,6})?$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`Expected a ${what} from ${min} to ${max}.`)
    return value
  }

/** Parses a number of mebibytes into bytes. */
const mebibytes = (text: string): number => between(1, 9_999_999)(text) * 1024 * 1024

/** Parses a whole number. */
export const wholeNumber = between(0, 999_999_999)

/** Checks a number of lines, or `all`. */
export function fetchedLines(text: string): string {
  if (text !== 'all' && !(/^\d{1,9}$/.test(text) && Number(text) > 0))
    throw new InvalidArgumentError('Expected a number of lines, or all.')
  return text
}

/** Parses a number, which may have decimals. */
export const number = decimalBetween(0, 999_999)

/** Longest delay of a timer; a longer one would make the timer fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** Parses a waiting time in seconds. */
export const seconds = between(0, Math.floor(TIMER_MS_MAX / 1_000))

/** Parses a share between 0 and 0.9. */
export const share = decimalBetween(0, 0.9, 'share')

/** Parses a time into milliseconds since 1970. */
export function moment(text: string): number {
  const value = momentOf(text, Date.now())
  if (value === undefined)
    throw new InvalidArgumentError('Expected a time, as in 14:03, 2026-11-21 or 2026-11-21T10:00.')
  return value
}

/** Parses an argument of the chat's options. */
export const parserOf = (value: NonNullable<ChatOption['value']>): ((text: string) => unknown) =>
  typeof value === 'string' ? { count: wholeNumber, seconds, mebibytes }[value] : oneOf(value)
