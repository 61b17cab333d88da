import { sanitise } from '../../../base/safe-text.js'
import type { Present as PresentPerson } from '../../../chat/presence/present.js'
import { isSigned } from '../../../log/format/author.js'
import { timeOf } from '../../../session/dates.js'
import type { Session } from '../../../session/session.js'
import { deliveryText } from '../../receipt-text.js'
import { dialFailureText } from '../../text/net-text.js'
import type { Present, RoomState } from '../protocol/state.js'

/** Strangers, dial attempts and names that are listed. */
const STRANGERS_MAX = 50
const DIALLED_MAX = 8
const NAMES_MAX = 12

/** The state of a room for the page. `older`: sentences about lines that are not stored here. */
export function roomStateOf(session: Session, older: readonly string[]): RoomState {
  const { room, delivery } = session
  const { presence } = room
  const isConnected = presence.some(({ state }) => state === 'connected')
  const known = presence.filter(({ author }) => session.isKnown(author))
  const strangers = presence.filter(({ author }) => !session.isKnown(author))
  const people = [...known, ...strangers.slice(0, STRANGERS_MAX)].map(each => presentOf(session, each))
  return {
    room: room.room,
    nick: session.nick,
    topic: sanitise(session.topic ?? ''),
    isAway: session.isAway,
    people,
    strangersMore: Math.max(0, strangers.length - STRANGERS_MAX),
    typing: isConnected ? presence.filter(({ isTyping }) => isTyping).map(each => session.nameOf(each)) : [],
    connections: connectionsText(session),
    isConnected,
    ...(delivery !== undefined && { delivery: deliveryText(delivery, room.room) }),
    unsaved: room.unsavedCount,
    notify: session.notifyLevel,
    older,
  }
}

function presentOf(session: Session, present: PresentPerson): Present {
  const { author, state, away, isTyping } = present
  return {
    person: {
      name: session.nameOf(present),
      ...(author !== undefined && isSigned(author) && { key: author }),
      isKnown: session.isKnown(author),
      isOwn: author === session.room.id,
    },
    state,
    ...(away !== undefined && { away: sanitise(away) }),
    isTyping,
    text: stateText(present),
  }
}

function stateText({ state, hops, lastHeardMs }: PresentPerson): string {
  if (state === 'connected') return 'connected'
  if (state === 'left') return `left, last heard ${timeOf(lastHeardMs)}`
  return `through others, ${hops} connections away`
}

/** One sentence for each fact about the connections: who is connected, unencrypted, indirect, and dialled. */
function connectionsText(session: Session): string[] {
  const { connectionSummary, presence } = session.room
  const { plain = [], dialing } = connectionSummary
  const connected = presence.filter(({ state }) => state === 'connected').map(each => session.nameOf(each))
  const indirect = presence.filter(({ state }) => state === 'indirect').length
  return [
    connected.length === 0
      ? 'not connected to anyone: what you write is stored here, and sent on the next connection'
      : `connected to ${listed(connected)}`,
    ...(plain.length === 0 ? [] : [`not encrypted: ${listed(plain.map(sanitise))} (scuttleup)`]),
    ...(indirect === 0 || connected.length === 0
      ? []
      : [`${indirect} more ${indirect === 1 ? 'person is' : 'people are'} here through them`]),
    ...dialing.slice(0, DIALLED_MAX).map(attempt => {
      const times = attempt.tries > 1 ? `, ${attempt.tries} times` : ''
      return sanitise(`trying ${attempt.name} (${dialFailureText(attempt)}${times})`)
    }),
    ...(dialing.length > DIALLED_MAX ? [`trying ${dialing.length - DIALLED_MAX} more`] : []),
  ]
}

const listed = (names: readonly string[]): string =>
  names.length <= NAMES_MAX
    ? names.join(', ')
    : `${names.slice(0, NAMES_MAX).join(', ')} and ${names.length - NAMES_MAX} more`
