import { LOBBY } from '../../log/format/room-id.js'
import type { NodeEvent, RoomEvent } from '../../node/events.js'
import { openToOthersText } from './disk-text.js'
import type { EventContext } from './event-context.js'
import { closeReasonText, dialFailureText } from './net-text.js'

const HOUR_MS = 3_600_000

/** Names in one line. */
const NAMES_MAX = 6

export function nodeText(event: RoomEvent, context: EventContext): string {
  const { shownPath } = context
  switch (event.kind) {
    case 'key-created':
      return `created a new key for ${event.name}: ${shownPath(event.file)}`
    case 'key-open-to-others':
      return openToOthersText(
        `other users could read the key ${shownPath(event.file)} and sign as you`,
        'restricted it to your account (mode 0600). If someone may have copied it, replace it with renew',
        event.failure,
        context,
      )
    case 'key-without-entries':
      return `the key ${shownPath(event.file)} has no entries in these logs, and its file has no checksum line that would reveal damage; if you have written here before, restore the key from a backup`
    case 'directory-open-to-others':
      return openToOthersText(
        `other users could ${event.access === 'read' ? 'read' : 'write to'} ${shownPath(event.directory)}`,
        'restricted it to your account (mode 0700)',
        event.failure,
        context,
      )
    case 'clock-unset':
      return `the system clock (${dayText(event.nowMs)}) is wrong; using the peers' timestamps`
    case 'logs-opened':
      return `logs in ${shownPath(event.database)}`
    case 'listening':
      return `listening on ${event.address}${event.room === LOBBY ? '' : ` in the room ${event.room}`}`
    case 'port-taken':
      return `port ${event.port} is in use by another program: listening on port ${event.usedPort} instead. Peers on this network discover it; scuttleup peers cannot connect to you.`
    case 'announced':
      return announcedText(event)
    case 'connection-opened':
      return `connected to ${event.peer}${event.protocol === 'scuttleup' ? ' (scuttleup peer)' : ''}`
    case 'connection-lost':
      return `lost the connection to ${event.peer}: ${closeReasonText(event.reason)}`
    case 'peer-left':
      return `${event.peer} left`
    case 'connections-changed':
      return connectionsText(event)
    case 'own-key-elsewhere':
      return `${event.peer} is another device with your key: the one that started later cannot write`
    case 'clock-differs': {
      const hours = Math.round(Math.abs(event.aheadMs) / HOUR_MS)
      return event.aheadMs > 0
        ? `the clock of ${event.peer} is ${hours} hours ahead of yours: its lines sort last`
        : `your clock is ${hours} hours ahead of the clock of ${event.peer}: your lines sort last`
    }
  }
}

type EventOf<K extends NodeEvent['kind']> = Extract<NodeEvent, { readonly kind: K }>

function announcedText({ name, chosenName, interfaces, more }: EventOf<'announced'>): string {
  const shown = interfaces.map(each => `${each.name} (${each.address})`).join(', ')
  const why = name === chosenName ? '' : `: another ${chosenName} is on this network`
  return `announced as ${name} on ${shown}${more === 0 ? '' : ` and ${more} more`}${why}`
}

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

/** A day as `1970-01-01`; a time beyond all calendars as milliseconds. */
const dayText = (ms: number): string =>
  Number.isNaN(new Date(ms).getTime()) ? `${ms} ms` : new Date(ms).toISOString().slice(0, 10)
