import type { Millis } from '../base/clock.js'

// Not Intl.DateTimeFormat: creating the first one takes more than a twentieth of the program's start time.
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
]

const twoDigits = (value: number): string => String(value).padStart(2, '0')

/** `14:03`, in local time. */
export function timeOf(at: Millis): string {
  const date = new Date(at)
  return `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`
}

/** `2026-11-21 14:03:09`, in local time. */
export function secondOf(at: Millis): string {
  const date = new Date(at)
  const day = [date.getFullYear(), twoDigits(date.getMonth() + 1), twoDigits(date.getDate())].join('-')
  return `${day} ${timeOf(at)}:${twoDigits(date.getSeconds())}`
}

/** `21 Nov 14:03` */
export function dateAndTimeOf(at: Millis): string {
  const date = new Date(at)
  return `${date.getDate()} ${MONTHS[date.getMonth()]?.slice(0, 3)} ${timeOf(at)}`
}

/** `Saturday 21 November 2026` */
export function dayOf(at: Millis): string {
  const date = new Date(at)
  return `${WEEKDAYS[date.getDay()]} ${date.getDate()} ${MONTHS[date.getMonth()]} ${date.getFullYear()}`
}

/** A number that is the same for all times of one day. */
export function dayNumberOf(at: Millis): number {
  const date = new Date(at)
  return date.getFullYear() * 10_000 + date.getMonth() * 100 + date.getDate()
}
