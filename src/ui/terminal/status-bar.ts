import { sanitise } from '../../base/safe-text.js'
import type { Present } from '../../chat/presence/roster.js'
import type { Seq } from '../../log/format/author.js'
import type { RoomApi } from '../../node/room-api.js'
import type { Replicas } from '../../sync/receipts.js'
import { cellsOf, cut } from './cells.js'

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
  /** Where the last own line is stored; undefined where there is none since the start. */
  readonly delivery: Replicas | undefined
  readonly unsaid: number
  /** What the program is busy with. */
  readonly busy: string | undefined
}

/** What the conversation does not know of itself. */
interface Surroundings extends Pick<StatusParts, 'topic' | 'isAway' | 'busy'> {
  /** The last own line, if there is one since the start. */
  readonly own: Seq | undefined
  readonly nameOf: (present: Present) => string
  readonly presence: readonly Present[]
}

/** What there is to say of a conversation. */
export function partsOf(conversation: RoomApi, { own, nameOf, presence, ...others }: Surroundings): StatusParts {
  const { room, connectionSummary, unsavedCount } = conversation
  // Of whom one hears through others one hears nothing while nobody is linked.
  const isLinked = presence.some(({ state }) => state === 'linked')
  const here = isLinked ? presence.filter(({ state }) => state !== 'left') : []
  const names = (who: (present: Present) => boolean): string[] => [...new Set(here.filter(who).map(nameOf))]
  return {
    ...others,
    room,
    linked: names(({ state }) => state === 'linked'),
    heard: here.filter(({ state }) => state === 'heard').length,
    tried: connectionSummary.dialing,
    typing: names(({ isTyping }) => isTyping),
    away: names(({ away }) => away !== undefined),
    delivery: own === undefined ? undefined : conversation.replicasOf(own),
    unsaid: unsavedCount,
  }
}

/** How much is said of each thing: less where the row is too narrow for more. */
type Detail = 'full' | 'named' | 'short' | 'least'
const DETAILS: readonly Detail[] = ['full', 'named', 'short', 'least']

function deliveryIn({ on, of, left }: Replicas, detail: Detail): string {
  const whose = detail === 'full' ? 'your last line is ' : ''
  if (of > 0) return detail === 'least' ? `✓ ${on}/${of}` : `${whose}on ${on} of ${of}`
  if (left > 0) return `${whose}on ${left} that left`
  return detail === 'full' ? 'only you have your last line' : 'only here'
}

const NAMES_MAX = 4

/**
 * Where things stand, in one row of at most `columns`. A narrow row drops names and reasons first, so that the delivery of
 * the last line and the topic stay readable.
 */
export function statusRow(parts: StatusParts, columns: number): string {
  const rows = DETAILS.map(detail => sanitise(shownIn(parts, detail).join(' · ')))
  const fitting = rows.find(row => cellsOf(row) <= columns)
  return fitting ?? cut(rows.at(-1) ?? '', columns)
}

function shownIn(parts: StatusParts, detail: Detail): string[] {
  const { room, topic, linked, heard, typing, away, delivery, unsaid, busy, isAway } = parts
  const isFull = detail === 'full'
  const shownTopic = topic === undefined || topic === '' ? [] : [isFull ? `topic: ${topic}` : topic]
  const rest = [
    ...(heard === 0 || !isFull ? [] : [`${heard} more through them`]),
    ...(typing.length === 0 ? [] : [`${namesOf(typing)} ${typing.length === 1 ? 'is' : 'are'} typing`]),
  ]
  const whereabouts = [
    ...(isAway ? ['you are away'] : []),
    ...(away.length === 0 ? [] : [`away: ${namesOf(away)}`]),
    ...triedIn(parts, isFull),
  ]
  const deliveries = delivery === undefined ? [] : [deliveryIn(delivery, detail)]
  const first = [
    `#${room}`,
    ...(busy === undefined ? [] : [busy]),
    ...(unsaid === 0 ? [] : [`${unsaid} not stored yet`]),
    linked.length === 0
      ? 'alone'
      : `${linked.length} linked${isFull || detail === 'named' ? `: ${namesOf(linked)}` : ''}`,
  ]
  if (isFull) return [...first, ...rest, ...deliveries, ...whereabouts, ...shownTopic]
  if (detail !== 'least') return [...first, ...deliveries, ...rest, ...whereabouts, ...shownTopic]
  return [...first, ...deliveries, ...shownTopic, ...rest, ...whereabouts]
}

function triedIn({ tried }: StatusParts, isFull: boolean): string[] {
  const [first] = tried
  if (first === undefined) return []
  const times = first.tries > 1 ? `, ${first.tries} times` : ''
  const reason = isFull ? ` (${first.reason}${times})` : ''
  return [`trying ${first.name}${reason}${tried.length > 1 ? ` and ${tried.length - 1} more` : ''}`]
}

const namesOf = (names: readonly string[]): string =>
  names.slice(0, NAMES_MAX).join(', ') + (names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : '')
