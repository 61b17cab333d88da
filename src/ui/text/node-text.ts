import { LOBBY } from '../../log/format/room-id.js'
import type { RoomEvent } from '../../node/events.js'
import { openToOthersText } from './disk-text.js'
import type { Sentences } from './event-context.js'
import { closeReasonText, dialFailureText } from './net-text.js'

const megabytes = (bytes: number): string => `${Math.max(1, Math.round(bytes / 1e6))} MB`
const HOUR_MS = 3_600_000

/** Names in one line. */
const NAMES_MAX = 6

export const NODE_SENTENCES: Sentences<RoomEvent> = {
  'key-created': ({ name, file }, { shownPath }) => `created a new key for ${name}: ${shownPath(file)}`,
  'key-open-to-others': ({ file, failure }, context) =>
    openToOthersText(
      `other users could read the key ${context.shownPath(file)} and sign as you`,
      'restricted it to your account (mode 0600). If someone may have copied it, replace it with renew',
      failure,
      context,
    ),
  'key-without-entries': ({ file }, { shownPath }) =>
    `the key ${shownPath(file)} has no entries in these logs, and its file has no checksum line that would reveal damage; if you have written here before, restore the key from a backup`,
  'directory-open-to-others': ({ access, directory, failure }, context) =>
    openToOthersText(
      `other users could ${access === 'read' ? 'read' : 'write to'} ${context.shownPath(directory)}`,
      'restricted it to your account (mode 0700)',
      failure,
      context,
    ),
  'clock-unset': ({ nowMs }) => `the system clock (${dayText(nowMs)}) is wrong; using the peers' timestamps`,
  'logs-opened': ({ database }, { shownPath }) => `logs in ${shownPath(database)}`,
  listening: ({ address, room }) => `listening on ${address}${room === LOBBY ? '' : ` in the room ${room}`}`,
  'port-taken': ({ port, usedPort }) =>
    `port ${port} is in use by another program: listening on port ${usedPort} instead. Peers on this network discover it; scuttleup peers cannot connect to you.`,
  announced: announcedText,
  'connection-opened': ({ peer, protocol }) =>
    `connected to ${peer}${protocol === 'scuttleup' ? ' (not encrypted: scuttleup peer)' : ''}`,
  'connection-lost': ({ peer, reason }) => `lost the connection to ${peer}: ${closeReasonText(reason)}`,
  'peer-left': ({ peer }) => `${peer} left`,
  'strangers-came': ({ count }) => `${moreStrangersText(count)} came`,
  'strangers-left': ({ count }) => `${moreStrangersText(count)} left`,
  'connections-changed': connectionsText,
  'own-key-elsewhere': ({ peer }) => `${peer} is another device with your key: both write as you`,
  'other-key': ({ me, name, key, pinned }) =>
    `${name} answers with another key (${key.slice(0, 8)}) than the one you know (${pinned.slice(0, 8)}), and is treated as a stranger. If they have a new key, compare it with them, then run \`persisted-chat people ${me} accept ${name} ${key.slice(0, 8)}\``,
  'key-renewed': ({ name, key, before }) =>
    `${name} has a new key (${key.slice(0, 8)}), which their old one (${before.slice(0, 8)}) signed, and is ${name} from now on: if you doubt it, /compare ${name}`,
  'key-renewed-twice': ({ me, name, key, other }) =>
    `the old key of ${name} signed two new ones (${key.slice(0, 8)} and ${other.slice(0, 8)}): somebody has stolen it. Compare with ${name}, then run \`persisted-chat people ${me} accept ${name} ${other.slice(0, 8)}\`, or the same with ${key.slice(0, 8)}`,
  'room-entered': ({ room }) => `you are a member of ${room} now: /join ${room} opens it`,
  'admission-asked': ({ name, key, isClaimed }) =>
    `${name === '' ? 'somebody' : `${isClaimed === true ? 'somebody who says that they are ' : ''}${name}`} (${key.slice(0, 8)}) has a code for this closed room: /admit ${key.slice(0, 8)} or /refuse ${key.slice(0, 8)}`,
  'member-admitted': ({ member, by, role, isRescue }) =>
    isRescue ? `${member} was admitted as ${role} with the rescue words` : `${by} admitted ${member} as ${role}`,
  'member-gone': ({ member, by, isRescue }) =>
    by === undefined
      ? `${member} left the room`
      : `${isRescue ? `${member} was removed with the rescue words` : `${by} removed ${member}`}: what is written from now on does not reach them`,
  'membership-ended': ({ by, isRescue }) => {
    const removed = isRescue
      ? 'you were removed from this room with the rescue words'
      : `${by} removed you from this room`
    return `${by === undefined ? 'you left this room' : removed}: nobody gets what you write, and you get nothing new`
  },
  'invitation-overused': ({ members, uses }) =>
    `an invitation for ${uses === 1 ? 'one person' : `${uses} people`} let in ${namesText(members)}: if one of them should not be here, remove them`,
  'direct-message': ({ room, name }) => `${name} wrote to you: /join ${room} shows it`,
  'message-request': ({ name, key }) => {
    const called = name === '' ? 'somebody' : name
    const answer = name === '' ? `name ${key.slice(0, 8)}` : name
    return `${called} (${key.slice(0, 8)}) asks to talk with you: /accept ${answer} or /decline ${name === '' ? key.slice(0, 8) : name}`
  },
  'strangers-ask': ({ count }) =>
    `${count === 1 ? 'somebody whom you do not know asks' : `${count} people whom you do not know ask`} to talk with you: /requests shows what they wrote`,
  'lines-withdrawn': ({ member, count, first, isOurs }) =>
    `${count === 1 ? 'one line' : `${count} lines`} ${isOurs ? 'of yours' : `of ${member}`}${first === '' ? '' : `, from "${first}" on`}, ${count === 1 ? 'lies' : 'lie'} beyond the end of ${isOurs ? 'your' : 'their'} membership: withdrawn from the history, although this screen may still show ${count === 1 ? 'it' : 'them'}`,
  'disk-bound-exceeded': ({ bytes, bytesMax }) =>
    bytes === 0
      ? `this room fits into the ${megabytes(bytesMax)} that you keep of it again`
      : `this room takes ${megabytes(bytes)} more than the ${megabytes(bytesMax)} that you keep of it: no connected person has these lines, so they stay`,
  'operations-forked': ({ member }) =>
    `${member} signed two histories of changes to the members, as happens with an old copy of the data or a second device: everybody uses the same one`,
  'operations-repeated': ({ count }) =>
    `${count === 1 ? 'one change of yours' : `${count} changes of yours`} to the members conflicted with changes that another device with your key, or an old copy of your data, made at the same time: signed again`,
  'clock-differs': ({ peer, aheadMs }) => {
    const hours = Math.round(Math.abs(aheadMs) / HOUR_MS)
    return aheadMs > 0
      ? `the clock of ${peer} is ${hours} hours ahead of yours: its lines sort last`
      : `your clock is ${hours} hours ahead of the clock of ${peer}: your lines sort last`
  },
}

type EventOf<K extends RoomEvent['kind']> = Extract<RoomEvent, { readonly kind: K }>

function announcedText({ name, chosenName, interfaces, more }: EventOf<'announced'>): string {
  const shown = interfaces.map(each => `${each.name} (${each.address})`).join(', ')
  const why = name === chosenName ? '' : `: another ${chosenName} is on this network`
  return `announced as ${name} on ${shown}${more === 0 ? '' : ` and ${more} more`}${why}`
}

const moreStrangersText = (count: number): string =>
  `${count.toLocaleString('en')} more ${count === 1 ? 'stranger' : 'strangers'}`

function connectionsText({ connected, dialing, indirect }: EventOf<'connections-changed'>): string {
  const attempts = dialing.map(
    attempt => `${attempt.name} (${dialFailureText(attempt)}${attempt.tries > 1 ? `, ${attempt.tries} times` : ''})`,
  )
  const clauses = [
    connected.length === 0 ? 'connected to no one' : `connected to ${namesText(connected)}`,
    ...(indirect === 0 ? [] : [`${indirect} more through them`]),
    ...(attempts.length === 0 ? [] : [`trying ${namesText(attempts)}`]),
  ]
  return `now ${clauses.join('; ')}`
}

function namesText(names: readonly string[]): string {
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : ''
  return names.slice(0, NAMES_MAX).join(', ') + more
}

/** A day as `1970-01-01`; a time outside the range of `Date` as milliseconds. */
const dayText = (ms: number): string =>
  Number.isNaN(new Date(ms).getTime()) ? `${ms} ms` : new Date(ms).toISOString().slice(0, 10)
