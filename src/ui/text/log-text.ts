import { shortKey } from '../../chat/display-names.js'
import type { LogEvent } from '../../log/events.js'
import { authorOfLog } from '../../log/format/author.js'
import type { DoubtReason } from '../../log/mark/doubt.js'
import { diskFailureText, fileFaultText } from './disk-text.js'
import type { Sentences } from './event-context.js'

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
  'log-stopped': ({ author, seq, last }) =>
    `${(last - seq).toLocaleString('en')} more lines of ${shortKey(authorOfLog(author))}: /show ${shortKey(authorOfLog(author))}`,
  'mark-failed': ({ file, failure }, context) => {
    const mark = file === undefined ? 'a mark of your log' : `the mark ${context.shownPath(file)}`
    return `${mark} cannot be written: ${diskFailureText(failure, context)}`
  },
  'run-opened': ({ reason }) => `${DOUBTS[reason]}: your lines continue in a new run, and nothing is lost`,
  'fork-proven': ({ isOurs, seq, author }) =>
    isOurs
      ? `two devices wrote entry ${seq} of your log, or one did after a backup was restored: the lines of both are kept, and yours continue in a new run`
      : `the log of the key ${shortKey(authorOfLog(author))}… has two histories from entry ${seq} on: the lines of both are kept`,
}

const DOUBTS: Readonly<Record<DoubtReason, string>> = {
  behind: 'the last entries of your log are missing on this disk',
  'other-history': 'the last entry of your log is not the one that was stored last',
  'other-run': 'the database of your log is older than its mark',
  moved: 'your data was copied or restored from elsewhere',
  'no-mark': 'the mark that records the end of your log is missing or damaged',
  'no-log': 'your key was used before, but its log is not on this disk',
  repaired: 'the logs were damaged and have been repaired',
  damaged: 'entries of your log are missing or damaged on this disk',
  forked: 'your log has two histories',
  elsewhere: 'a peer has more of your log than this disk',
  readmitted: 'you were admitted to this room again',
  'clock-ahead': 'your clock was far ahead when you wrote your last lines',
}
