import type { Millis } from '../base/clock.js'

// Not Intl.DateTimeFormat: the first one takes longer to create than a twentieth of the start of the program.
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

/** A time as people type it: `14:03` (the latest one), a day, or a day with a time. Undefined for anything else. */
export function momentOf(text: string, now: Millis): Millis | undefined {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? []
  if (hours !== undefined && minutes !== undefined) {
    if (Number(hours) > 23 || Number(minutes) > 59) return undefined
    const date = new Date(now)
    date.setHours(Number(hours), Number(minutes), 0, 0)
    if (date.getTime() > now) date.setDate(date.getDate() - 1)
    return date.getTime()
  }
  const [, day, time, zone = ''] =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(text) ?? []
  if (day === undefined || !isDay(day)) return undefined
  // A day alone begins at midnight in local time, not in UTC.
  const value = Date.parse(`${day}T${time ?? '00:00'}${zone}`)
  return Number.isNaN(value) ? undefined : value
}

/** Whether the calendar has the day: `Date.parse` reads 30 February as 2 March. */
function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}
