import { shortKey } from '../../chat/display-names.js'
import type { LogEvent } from '../../log/events.js'
import { authorOfLog } from '../../log/format/author.js'
import { diskFailureText, fileFaultText } from './disk-text.js'
import type { Sentences } from './event-context.js'

const UNTIL_A_PEER_CONNECTS =
  'until a peer that has your log connects; if there is none, run `persisted-chat repair <your name> --nobody-has-more`'

export const LOG_SENTENCES: Sentences<LogEvent> = {
  'disk-failed': ({ failure }, context) =>
    `nothing can be stored: ${diskFailureText(failure, context)}; new lines wait until the disk works again`,
  'disk-recovered': () => 'the disk works again; the waiting lines are being stored',
  'entry-recovered': ({ seq }) => `entry ${seq} was stored after all, although its write had failed`,
  'database-repaired': ({ faults, kept }, { shownPath }) =>
    `the logs were damaged (${faults.map(fileFaultText).join(', ')}) and have been repaired; the damaged files are kept in ${shownPath(kept)}, and missing entries are fetched from peers`,
  'database-damaged': ({ detail }, { shownPath }) => shownPath(detail),
  'entry-damaged': ({ seq, author }) =>
    `entry ${seq} of ${author} is missing or damaged on this disk: fetching it again from peers`,
  'entries-missing': ({ from, to, author }) =>
    `entries ${from} to ${to} of ${author} are missing on this disk: fetching them again from peers`,
  'entries-lost': ({ from, to, author }) => `entries ${from} to ${to} of ${author} are gone from this disk`,
  'log-end-restored': () => 'the last entries of your log were missing on this disk: restored from its mark',
  'mark-failed': ({ file, failure }, context) => {
    const mark = file === undefined ? 'a mark of your log' : `the mark ${context.shownPath(file)}`
    return `${mark} cannot be written: ${diskFailureText(failure, context)}`
  },
  'log-in-doubt': event => `${doubtText(event)}: nothing is stored ${UNTIL_A_PEER_CONNECTS}`,
  'append-waits': () => `what you say is not stored ${UNTIL_A_PEER_CONNECTS}`,
  'log-behind': ({ to }) => `a peer has more of your log than this disk: entries up to ${to} are fetched first`,
  'log-restored': ({ seq }) => `your log is restored up to entry ${seq}`,
  'restore-given-up': () =>
    'a peer claimed more of your log than this disk has, but never sent it; continuing without it',
  'entries-retracted': ({ from, to }) =>
    `entries ${from} to ${to} of your log were on this disk only, and peers have others in their place: yours get new numbers after those`,
  'own-entries-elsewhere': () =>
    'peers have entries that were signed with your key and are not on this disk: another device uses your key, or a backup was restored. If it is another device, run `persisted-chat renew` on one of the two',
  'fork-proven': ({ isOurs, seq, author }) =>
    isOurs
      ? `your log has forked: two devices wrote entry ${seq} with your key, or one did after a backup was restored. Other peers reject further entries: stop, run \`persisted-chat renew\` with your name on one device, and use each key on one device only`
      : `the log of the key ${shortKey(authorOfLog(author))}… has forked: it has two histories from entry ${seq} on`,
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
