import type { LineRow, Person } from '../../src/ui/web/protocol/rows.js'

export const keyOf = (digit: string): string => digit.repeat(64).slice(0, 64)

export const ALICE: Person = { name: 'alice', key: keyOf('a1c3'), isKnown: true, isOwn: true }
export const BOB: Person = { name: 'bob', key: keyOf('b2f0'), isKnown: true, isOwn: false }
export const CAROL: Person = { name: 'carol', key: keyOf('3c9d'), isKnown: true, isOwn: false }

/** Saturday 21 November 2026, 12:00 UTC. */
export const NOON = Date.UTC(2026, 10, 21, 12)
export const DAYS = ['Saturday 21 November 2026', 'Sunday 22 November 2026'] as const

export const orderOf = (index: number): string => String(index).padStart(12, '0')

export const idOf = (index: number): string => `row-${index}`

/** A row that says `text`, at the `index`th place of a room. */
export function lineRow(index: number, author: Person, text: string, more: Partial<LineRow> = {}): LineRow {
  return {
    kind: 'line',
    id: idOf(index),
    order: orderOf(index),
    at: NOON + index * 40_000,
    day: DAYS[0],
    label: `${author.name[0]}${index}`,
    author,
    form: 'text',
    text,
    segments: [{ kind: 'text', text }],
    isFolded: false,
    reactions: [],
    isEdited: false,
    isMention: false,
    isLate: false,
    isAhead: false,
    ...more,
  }
}
