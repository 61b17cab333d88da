import { InvalidArgumentError } from 'commander'
import { DIRECT_POLICIES, type DirectPolicy, isDirectPolicy } from '../host/protocol/options.js'
import { momentOf } from '../session/dates.js'

/** Help of the option that refuses scuttleup peers. */
export const ENCRYPTED_HELP = 'refuse scuttleup peers, whose connections cannot be encrypted'

/** Help of the option that bounds what strangers may store. */
export const MAX_DISK_HELP =
  'what this name may use of the disk; strangers get a quarter of it in each room, and never more than 256 MiB'

/** Help of the option that decides who may ask to talk. */
export const DIRECT_HELP = 'who may ask to talk: anyone (default), known people, or nobody'

/** Parses who may ask to talk. */
export function directPolicy(text: string): DirectPolicy {
  if (!isDirectPolicy(text)) throw new InvalidArgumentError(`Expected one of ${DIRECT_POLICIES.join(', ')}.`)
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
export const mebibytes = (text: string): number => between(1, 9_999_999)(text) * 1024 * 1024

/** Parses a whole number. */
export const wholeNumber = between(0, 999_999_999)

/** Parses a number, which may have decimals. */
export const number = decimalBetween(0, 999_999)

/** Longest delay of a timer. With a longer one it would fire at once. */
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

/** Help text of `--room`. */
export const ROOM_HELP = 'the room (default: lobby)'

/** Help text of `--data`. */
export const DATA_HELP =
  'where the logs are kept (default: $PERSISTED_CHAT_DATA, else ./data if in use, else the platform data directory)'
