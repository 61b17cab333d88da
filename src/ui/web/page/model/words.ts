import type { Reaction, Row } from '../../protocol/rows.js'

const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const DATE_AND_TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })

/** `14:03` */
export const timeText = (ms: number): string => TIME.format(ms)

/** `21 Nov 2026, 14:03` */
export const dateAndTimeText = (ms: number): string => DATE_AND_TIME.format(ms)

/** A number that fits a badge: `7`, `99+`. */
export const badgeText = (count: number): string => (count > 99 ? '99+' : String(count))

/** `1 line`, `1,204 lines` */
export const countText = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`

/** `bob`, `bob and carol`, `bob, carol and 3 others` */
export function namesText(names: readonly string[], count = names.length, max = 3): string {
  const shown = names.slice(0, count > max + 1 ? max : max + 1)
  const others = count - shown.length
  if (others > 0) return `${shown.join(', ')} and ${countText(others, 'other')}`
  return shown.length < 2 ? (shown[0] ?? '') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

/** `👍 by bob and carol, and you` in words, for a reaction. */
export const reactionText = ({ emoji, count, names }: Reaction): string => `${emoji} ${namesText(names, count)}`

export function typingText(names: readonly string[]): string {
  if (names.length === 0) return ''
  return names.length > 3
    ? 'several people are typing …'
    : `${namesText(names)} ${names.length === 1 ? 'is' : 'are'} typing …`
}

/** The text that a screen reader announces for a row: `bob: hello`. */
export function spokenText(row: Row): string {
  if (row.kind === 'gap') return row.text
  if (row.kind === 'change') return `${row.author.name} ${row.text}`
  const { author, form, text, file, about } = row
  const said = file === undefined ? text : `file ${file.name}, ${file.size}`
  if (form === 'action') return `${author.name} ${said}`
  return about === undefined ? `${author.name}: ${said}` : `${author.name}, in reply to ${about.text}: ${said}`
}

/** The index of the colour of a name, 0 to `count` − 1, derived from the author's key. */
export const hueOf = (key: string | undefined, count: number): number | undefined =>
  key === undefined ? undefined : Number.parseInt(key.slice(0, 6), 16) % count

/** The first letter or digit of a name, for its avatar. */
export const initialOf = (name: string): string => /[\p{L}\p{N}]/u.exec(name)?.[0]?.toLocaleUpperCase() ?? '•'

/** The title of the window: `(3) #ops – persisted-chat`. */
export const titleText = (room: string, unread: number): string =>
  `${unread === 0 ? '' : `(${badgeText(unread)}) `}${room === '' ? '' : `${room} – `}persisted-chat`
