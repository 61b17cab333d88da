import { isDirectName, shownRoom } from '../../base/names.js'
import { sanitise } from '../../base/safe-text.js'
import type { Present } from '../../chat/presence/present.js'
import type { ConnectionSummary } from '../../node/events.js'
import type { Session } from '../../session/session.js'
import type { Replicas } from '../../sync/receipts.js'
import type { OpenRoom } from '../commands/context.js'
import { strangersText } from '../receipt-text.js'
import { dialFailureText } from '../text/net-text.js'
import { cellsOf, cut } from './cells.js'

export interface StatusParts {
  readonly room: string
  /** All open rooms, if there are several. */
  readonly rooms: readonly OpenRoom[]
  readonly topic: string | undefined
  readonly connected: readonly string[]
  /** How many more people are present without a direct connection. */
  readonly indirect: number
  readonly dialled: ConnectionSummary['dialing']
  readonly typing: readonly string[]
  readonly away: readonly string[]
  readonly isAway: boolean
  /** Which peers have stored the user's last line; undefined if they have written none in this session. */
  readonly delivery: Replicas | undefined
  readonly unsaved: number
  /** How many people ask to talk with the user. */
  readonly asking: number
  /** The running task, with its progress. */
  readonly task: string | undefined
}

/** Collects the parts of the status. `task` is the running one, with its progress. */
export function partsOf(session: Session, rooms: readonly OpenRoom[], task: string | undefined): StatusParts {
  const { room, connectionSummary, unsavedCount, presence } = session.room
  // Without any connection, nothing is known about people whose presence other peers reported.
  const isConnected = presence.some(({ state }) => state === 'connected')
  const here = isConnected ? presence.filter(({ state }) => state !== 'left') : []
  const namesWhere = (matches: (present: Present) => boolean): string[] => [
    ...new Set(here.filter(matches).map(present => session.nameOf(present))),
  ]
  return {
    room,
    rooms,
    topic: session.topic,
    isAway: session.isAway,
    task,
    connected: namesWhere(({ state }) => state === 'connected'),
    indirect: here.filter(({ state }) => state === 'indirect').length,
    dialled: connectionSummary.dialing,
    typing: namesWhere(({ isTyping }) => isTyping),
    away: namesWhere(({ away }) => away !== undefined),
    delivery: session.delivery,
    unsaved: unsavedCount,
    asking: session.room.people.asking?.length ?? 0,
  }
}

/** Levels of detail, for rows of different width. */
type Detail = 'full' | 'named' | 'short' | 'least'
const DETAILS: readonly Detail[] = ['full', 'named', 'short', 'least']

function deliveryIn({ on, of, left, strangers = 0 }: Replicas, detail: Detail, other: string | undefined): string {
  if (other !== undefined) return on + left > 0 ? `delivered to ${other}` : `waits for ${other}`
  const subject = detail === 'full' ? 'last line ' : ''
  const more = strangers === 0 ? '' : detail === 'least' ? ` +${strangers}` : ` and ${strangersText(strangers)}`
  if (of > 0) return detail === 'least' ? `✓ ${on}/${of}${more}` : `${subject}delivered to ${on} of ${of}${more}`
  if (strangers > 0 && left === 0)
    return detail === 'least' ? `✓${more}` : `${subject}delivered to ${strangersText(strangers)}`
  if (left > 0) return `${subject}delivered to ${left} who left`
  return detail === 'full' ? 'last line not delivered yet' : 'undelivered'
}

const NAMES_MAX = 4
const ROOMS_MAX = 5

/**
 * The status in one row of at most `columns`. A narrow row drops names and reasons first, so that the delivery of the last
 * line and the topic remain readable.
 */
export function statusRow(parts: StatusParts, columns: number): string {
  const rows = DETAILS.map(detail => sanitise(partsAt(parts, detail).join(' · ')))
  const fitting = rows.find(row => cellsOf(row) <= columns)
  return fitting ?? cut(rows.at(-1) ?? '', columns)
}

function partsAt(parts: StatusParts, detail: Detail): string[] {
  const { room, topic, connected, indirect, typing, away, delivery, unsaved, task, isAway } = parts
  const isFull = detail === 'full'
  const shownTopic = topic === undefined || topic === '' ? [] : [isFull ? `topic: ${topic}` : topic]
  const rest = [
    ...(indirect === 0 || !isFull ? [] : [`${indirect} more through them`]),
    ...(typing.length === 0 ? [] : [`${namesOf(typing)} ${typing.length === 1 ? 'is' : 'are'} typing`]),
  ]
  const details = [
    ...(isAway ? ['you are away'] : []),
    ...(away.length === 0 ? [] : [`away: ${namesOf(away)}`]),
    ...dialledIn(parts, isFull),
  ]
  const other = isDirectName(room) ? room.slice(1) : undefined
  const deliveries = delivery === undefined ? [] : [deliveryIn(delivery, detail, other)]
  const first = [
    roomsAt(room, parts.rooms, detail),
    ...(task === undefined ? [] : [task]),
    ...(unsaved === 0 ? [] : [`${unsaved} not stored yet`]),
    ...(parts.asking === 0 ? [] : [`${parts.asking} ${parts.asking === 1 ? 'request' : 'requests'}`]),
    connected.length > 0
      ? `${connected.length} connected${isFull || detail === 'named' ? `: ${namesOf(connected)}` : ''}`
      : other === undefined
        ? 'alone'
        : `${other} is not here`,
  ]
  if (isFull) return [...first, ...rest, ...deliveries, ...details, ...shownTopic]
  if (detail !== 'least') return [...first, ...deliveries, ...rest, ...details, ...shownTopic]
  return [...first, ...deliveries, ...shownTopic, ...rest, ...details]
}

/** The shown room and the others with their numbers and counts: `#lobby, 2 #ops 5, 3 #dev 1»`. `»` marks a mention. */
function roomsAt(room: string, rooms: readonly OpenRoom[], detail: Detail): string {
  const isNarrow = detail === 'short' || detail === 'least'
  const others = rooms.filter(({ isShown, unread }) => !isShown && (!isNarrow || unread > 0))
  const texts = others.slice(0, ROOMS_MAX).map(({ number, room, unread, mentions }) => {
    const count = unread === 0 ? '' : ` ${unread.toLocaleString('en')}${mentions > 0 ? '»' : ''}`
    return detail === 'least' ? `${number}${count}` : `${number} ${shownRoom(room)}${count}`
  })
  const rest = others.length > ROOMS_MAX ? [`+${others.length - ROOMS_MAX}`] : []
  return [shownRoom(room), ...texts, ...rest].join(', ')
}

function dialledIn({ dialled }: StatusParts, isFull: boolean): string[] {
  const [first] = dialled
  if (first === undefined) return []
  const times = first.tries > 1 ? `, ${first.tries} times` : ''
  const reason = isFull ? ` (${dialFailureText(first)}${times})` : ''
  return [`trying ${first.name}${reason}${dialled.length > 1 ? ` and ${dialled.length - 1} more` : ''}`]
}

const namesOf = (names: readonly string[]): string =>
  names.slice(0, NAMES_MAX).join(', ') + (names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : '')
