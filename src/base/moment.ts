import type { Millis } from './clock.js'

const UNITS: Readonly<Record<string, Millis>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']

/**
 * A time as people type it: `14:03` (the latest one), a day, a day with a time, `2h` (ago), `mon` (the latest one), `today` or
 * `yesterday`. Undefined for anything else.
 */
export function momentOf(text: string, now: Millis): Millis | undefined {
  return clockTimeOf(text, now) ?? agoOf(text, now) ?? dayNamed(text.toLowerCase(), now) ?? dateOf(text)
}

function clockTimeOf(text: string, now: Millis): Millis | undefined {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? []
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined
  const date = new Date(now)
  date.setHours(Number(hours), Number(minutes), 0, 0)
  if (date.getTime() > now) date.setDate(date.getDate() - 1)
  return date.getTime()
}

function agoOf(text: string, now: Millis): Millis | undefined {
  const [, count, unit = ''] = /^(\d{1,4})([mhdw])$/i.exec(text) ?? []
  return count === undefined ? undefined : now - Number(count) * (UNITS[unit.toLowerCase()] ?? 0)
}

/** The beginning of the latest day of this name. */
function dayNamed(name: string, now: Millis): Millis | undefined {
  const date = new Date(now)
  date.setHours(0, 0, 0, 0)
  if (name === 'today') return date.getTime()
  const weekday = name.length < 3 ? -1 : WEEKDAYS.findIndex(day => day.startsWith(name))
  if (weekday === -1 && name !== 'yesterday') return undefined
  date.setDate(date.getDate() - (weekday === -1 ? 1 : (date.getDay() - weekday + 7) % 7))
  return date.getTime()
}

function dateOf(text: string): Millis | undefined {
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
