import type { Message } from '../../chat/kinds/message.js'
import type { Gap, GapState } from '../../log/format/entry.js'

export const GAP_STATES: readonly GapState[] = ['deleted', 'kept-out', 'expired', 'not-given', 'missing']

const TEXTS: Readonly<Record<GapState, string>> = {
  deleted: 'deleted',
  'kept-out': 'not kept here',
  expired: 'older than the room keeps',
  'not-given': 'from before you joined',
  missing: 'not here yet',
}

/** Why places have no content. */
export const gapText = (state: GapState): string => TEXTS[state]

/** One row for consecutive places without content. */
export const gapLine = ({ count, state }: Gap): string =>
  `${count} ${count === 1 ? 'entry' : 'entries'} ${gapText(state)}`

/** Gaps of older lines, which a conversation shows as one row above its first line. */
const OLDER: readonly GapState[] = ['kept-out', 'expired', 'not-given']

/** Whether a message stands for lines that were dropped to save space, or are not given to us. */
export const isOlder = (message: Message): boolean => message.kind === 'gap' && OLDER.includes(message.state)

/** Joins adjacent gaps of all authors, where the places have no content for the same reason. */
export function joinedGaps(messages: readonly Message[]): Message[] {
  const joined: Message[] = []
  for (const message of messages) {
    const last = joined.at(-1)
    if (last?.kind === 'gap' && message.kind === 'gap' && last.state === message.state)
      joined[joined.length - 1] = { ...last, count: last.count + message.count }
    else joined.push(message)
  }
  return joined
}
