import { HISTORY_ALL } from './limits.js'

/** Largest number of lines that a room can give to newcomers, other than all. */
const HISTORY_LINES_MAX = 1_000_000

/** The number that the user typed: `all`, `none` or a number of lines; undefined for anything else. */
export function historyOf(text: string): number | undefined {
  if (text === 'all') return HISTORY_ALL
  if (text === 'none') return 0
  const lines = /^[1-9]\d{0,6}$/.test(text) ? Number(text) : undefined
  return lines !== undefined && lines <= HISTORY_LINES_MAX ? lines : undefined
}

/** How a number of lines is typed. */
export function historyText(history: number): string {
  if (history === HISTORY_ALL) return 'all'
  return history === 0 ? 'none' : String(history)
}
