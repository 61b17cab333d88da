import type { LineRow, Row } from '../../protocol/rows.js'

/** Lines of one person within this time form a group with one name above it. */
const GROUP_MS = 5 * 60_000

/** Whether two lines show the same author. */
const isSameAuthor = ({ author: a }: LineRow, { author: b }: LineRow): boolean => a.key === b.key && a.name === b.name

/** Whether a rule with the date is shown above a row. */
export const startsDay = (row: Row, previous: Row | undefined): boolean => row.day !== previous?.day

/** Whether a row is shown without a name, because it continues a group. */
export function continuesGroup(row: Row, previous: Row | undefined): boolean {
  if (row.kind !== 'line' || previous?.kind !== 'line' || startsDay(row, previous)) return false
  if (row.form === 'action' || previous.form === 'action' || row.about !== undefined) return false
  return isSameAuthor(row, previous) && Math.abs(row.at - previous.at) < GROUP_MS
}
