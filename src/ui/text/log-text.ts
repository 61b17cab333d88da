import { shortKey } from '../../chat/display-names.js'
import type { LogEvent } from '../../log/events.js'
import { diskFailureText, fileFaultText } from './disk-text.js'
import type { EventContext } from './event-context.js'

const UNTIL_A_PEER_CONNECTS =
  'until a peer that has your log connects; if there is none, run `persisted-chat repair <your name> --nobody-has-more`'

export function logText(event: LogEvent, context: EventContext): string {
  const { shownPath } = context
  switch (event.kind) {
    case 'disk-failed':
      return `nothing can be stored: ${diskFailureText(event.failure, context)}; new lines wait until the disk works again`
    case 'disk-recovered':
      return 'the disk works again; the waiting lines are being stored'
    case 'entry-recovered':
      return `entry ${event.seq} was stored after all, although its write had failed`
    case 'database-repaired': {
      const faults = event.faults.map(fileFaultText).join(', ')
      return `the logs were damaged (${faults}) and have been repaired; the damaged files are kept in ${shownPath(event.kept)}, and missing entries are fetched from peers`
    }
    case 'database-damaged':
      return shownPath(event.detail)
    case 'entry-damaged':
      return `entry ${event.seq} of ${event.author} is missing or damaged on this disk: fetching it again from peers`
    case 'entries-missing':
      return `entries ${event.from} to ${event.to} of ${event.author} are missing on this disk: fetching them again from peers`
    case 'entries-lost':
      return `entries ${event.from} to ${event.to} of ${event.author} are gone from this disk`
    case 'log-end-restored':
      return 'the last entries of your log were missing on this disk: restored from its mark'
    case 'mark-failed': {
      const mark = event.file === undefined ? 'a mark of your log' : `the mark ${shownPath(event.file)}`
      return `${mark} cannot be written: ${diskFailureText(event.failure, context)}`
    }
    case 'log-in-doubt':
      return `${doubtText(event)}: nothing is stored ${UNTIL_A_PEER_CONNECTS}`
    case 'append-waits':
      return `what you say is not stored ${UNTIL_A_PEER_CONNECTS}`
    case 'log-behind':
      return `a peer has more of your log than this disk: entries up to ${event.to} are fetched first`
    case 'log-restored':
      return `your log is restored up to entry ${event.seq}`
    case 'restore-given-up':
      return 'a peer claimed more of your log than this disk has, but never sent it; continuing without it'
    case 'entries-retracted':
      return `entries ${event.from} to ${event.to} of your log were on this disk only, and peers have others in their place: yours get new numbers after those`
    case 'own-entries-elsewhere':
      return 'peers have entries that were signed with your key and are not on this disk: another device uses your key, or a backup was restored. If it is another device, run `persisted-chat renew` on one of the two'
    case 'fork-proven':
      return event.isOurs
        ? `your log has forked: two devices wrote entry ${event.seq} with your key, or one did after a backup was restored. Other peers reject further entries: stop, run \`persisted-chat renew\` with your name on one device, and use each key on one device only`
        : `the log of the key ${shortKey(event.author)}… has forked: it has two histories from entry ${event.seq} on`
  }
}

function doubtText({ reason, end, to }: Extract<LogEvent, { readonly kind: 'log-in-doubt' }>): string {
  switch (reason) {
    case 'behind':
      return `entries ${end + 1} to ${to} of your log are missing on this disk`
    case 'other-history':
      return `entry ${end} of your log is not the one that was stored last`
    case 'moved':
      return 'your data was copied or restored from elsewhere, and may be older than what peers have of your log'
    case 'no-mark':
      return 'the mark that records the end of your log is missing or damaged'
  }
}
