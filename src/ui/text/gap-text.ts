import type { Gap, GapState } from '../../log/format/entry.js'

export const GAP_STATES: readonly GapState[] = ['deleted', 'kept-out', 'missing']

const TEXTS: Readonly<Record<GapState, string>> = {
  deleted: 'deleted',
  'kept-out': 'not kept here',
  missing: 'not here yet',
}

/** Why places have no content. */
export const gapText = (state: GapState): string => TEXTS[state]

/** One row for consecutive places without content. */
export const gapLine = ({ count, state }: Gap): string =>
  `${count} ${count === 1 ? 'entry' : 'entries'} ${gapText(state)}`
