import { sanitise } from '../../base/safe-text.js'
import { type FaceEvent, isProblem } from '../../host/events.js'
import { type EventContext, SAME_PATHS } from './event-context.js'
import { hostText } from './host-text.js'
import { logText } from './log-text.js'
import { netText } from './net-text.js'
import { nodeText } from './node-text.js'
import { syncText } from './sync-text.js'

export interface EventText {
  readonly level: 'info' | 'warning'
  /** One line, safe to print. */
  readonly line: string
}

/** An event as a sentence for people. */
export const eventText = (event: FaceEvent, context: EventContext = SAME_PATHS): EventText => ({
  level: isProblem(event) ? 'warning' : 'info',
  line: sanitise(sentenceOf(event, context)),
})

function sentenceOf(event: FaceEvent, context: EventContext): string {
  switch (event.kind) {
    case 'disk-failed':
    case 'disk-recovered':
    case 'entry-recovered':
    case 'database-repaired':
    case 'database-damaged':
    case 'entry-damaged':
    case 'entries-missing':
    case 'entries-lost':
    case 'log-end-restored':
    case 'mark-failed':
    case 'log-in-doubt':
    case 'append-waits':
    case 'log-behind':
    case 'log-restored':
    case 'restore-given-up':
    case 'entries-retracted':
    case 'own-entries-elsewhere':
    case 'fork-proven':
      return logText(event, context)
    case 'dial-failed':
    case 'dialled-self':
    case 'no-interface':
    case 'multicast-port-unavailable':
    case 'multicast-failed':
      return netText(event)
    case 'entries-rejected':
    case 'protocol-violated':
      return syncText(event)
    case 'key-created':
    case 'key-open-to-others':
    case 'key-without-entries':
    case 'directory-open-to-others':
    case 'clock-unset':
    case 'logs-opened':
    case 'listening':
    case 'port-taken':
    case 'announced':
    case 'connection-opened':
    case 'connection-lost':
    case 'peer-left':
    case 'connections-changed':
    case 'own-key-elsewhere':
    case 'clock-differs':
      return nodeText(event, context)
    case 'already-open':
    case 'node-silent':
    case 'node-answers':
    case 'connect-refused':
    case 'unknown-event':
      return hostText(event)
  }
}
