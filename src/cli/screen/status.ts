import { sanitise } from '../../base/sanitise.js'
import type { Seq } from '../../log/author.js'
import type { Holders } from '../../log/custody.js'
import type { Conversation } from '../../peer/conversation.js'
import type { Present } from '../../peer/roster.js'
import { cut } from './cells.js'

export interface StatusParts {
  readonly room: string
  readonly topic: string | undefined
  readonly linked: readonly string[]
  /** How many more are heard of through others. */
  readonly heard: number
  readonly tried: readonly { readonly name: string; readonly reason: string; readonly tries: number }[]
  readonly typing: readonly string[]
  readonly away: readonly string[]
  readonly isAway: boolean
  /** Who has stored the last own line, in a few words. */
  readonly custody: string | undefined
  readonly unsaid: number
  /** What the program is busy with. */
  readonly busy: string | undefined
}

/** What the conversation does not know of itself. */
interface Surroundings extends Pick<StatusParts, 'topic' | 'isAway' | 'busy'> {
  /** The last own line, if there is one since the start. */
  readonly own: Seq | undefined
  readonly nameOf: (present: Present) => string
}

/** What there is to say of a conversation. */
export function partsOf(conversation: Conversation, { own, nameOf, ...others }: Surroundings): StatusParts {
  const { room, presence, standing, unsaid } = conversation
  // Of whom one hears through others one hears nothing while nobody is linked.
  const isLinked = presence.some(({ state }) => state === 'linked')
  const here = isLinked ? presence.filter(({ state }) => state !== 'left') : []
  const names = (who: (present: Present) => boolean): string[] => [...new Set(here.filter(who).map(nameOf))]
  return {
    ...others,
    room,
    linked: names(({ state }) => state === 'linked'),
    heard: here.filter(({ state }) => state === 'heard').length,
    tried: standing.trials,
    typing: names(({ isTyping }) => isTyping),
    away: names(({ away }) => away !== undefined),
    custody: own === undefined ? undefined : inWords(conversation.holdersOf(own)),
    unsaid,
  }
}

function inWords({ on, of, left }: Holders): string {
  if (of > 0) return `your last line is on ${on} of ${of}`
  return left > 0 ? `your last line is on ${left} that left` : 'only you have your last line'
}

const NAMES_MAX = 4

/** Where things stand, in one row of at most `columns`; what matters most comes first. */
export function statusRow(parts: StatusParts, columns: number): string {
  const { room, topic, linked, heard, tried, typing, away, custody, unsaid, busy, isAway } = parts
  const [first] = tried
  const shown = [
    `#${room}`,
    ...(busy === undefined ? [] : [busy]),
    ...(unsaid === 0 ? [] : [`${unsaid} not stored yet`]),
    linked.length === 0 ? 'alone' : `${linked.length} linked: ${namesOf(linked)}`,
    ...(heard === 0 ? [] : [`${heard} more through them`]),
    ...(typing.length === 0 ? [] : [`${namesOf(typing)} ${typing.length === 1 ? 'is' : 'are'} typing`]),
    ...(custody === undefined ? [] : [custody]),
    ...(isAway ? ['you are away'] : []),
    ...(away.length === 0 ? [] : [`away: ${namesOf(away)}`]),
    ...(first === undefined
      ? []
      : [
          `trying ${first.name} (${first.reason}${first.tries > 1 ? `, ${first.tries} times` : ''})${tried.length > 1 ? ` and ${tried.length - 1} more` : ''}`,
        ]),
    ...(topic === undefined || topic === '' ? [] : [`topic: ${topic}`]),
  ]
  return cut(sanitise(shown.join(' · ')), columns)
}

const namesOf = (names: readonly string[]): string =>
  names.slice(0, NAMES_MAX).join(', ') + (names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : '')
