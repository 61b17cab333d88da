import { change, type EventOf, problem } from '../base/event-kinds.js'
import { DISK_FAILURE } from '../base/files/disk-faults.js'
import { boolean, count, listOf, oneOf, optional, record, text } from '../base/shape.js'
import { LOG_ID } from './format/author.js'
import { DOUBT_REASONS } from './mark/doubt.js'
import type { FileFault } from './store/leveldb/check.js'

const FILE_FAULT = record<FileFault>({
  file: text,
  kind: oneOf(['current', 'manifest', 'journal', 'table', 'in-use']),
  problem: oneOf(['missing', 'unreadable', 'damaged', 'damaged-in-use', 'repeated-records']),
  at: optional(count),
  names: optional(text),
})

/** What happens to the logs on this disk. */
export const LOG_EVENTS = {
  /** A write failed: messages wait until `disk-recovered`. */
  'disk-failed': problem({ failure: DISK_FAILURE }),
  /** Writing works again. */
  'disk-recovered': change({}),
  /** An entry of ours is stored, although its write failed. */
  'entry-recovered': change({ seq: count }),
  /** The database was damaged and has been repaired; the damaged files are in `kept`. */
  'database-repaired': problem({ kept: text, faults: listOf(FILE_FAULT) }),
  /** Damage was found in the open database; the next start repairs it. */
  'database-damaged': problem({ detail: text }),
  /** An entry cannot be read; it is fetched from peers. */
  'entry-damaged': problem({ author: LOG_ID, seq: count }),
  /** Entries of the last session are missing; they are fetched from peers. */
  'entries-missing': problem({ author: LOG_ID, from: count, to: count }),
  /** Entries disappeared when the database was reopened after a failed write. */
  'entries-lost': problem({ author: LOG_ID, from: count, to: count }),
  /** The last entries of our log were missing, and were restored from its mark. */
  'log-end-restored': problem({}),
  /** A stranger's log has stopped at `seq`, because others need the space; it is known to extend to `last`. */
  'log-stopped': problem({ author: LOG_ID, seq: count, last: count }),
  /** A mark of the end of our log cannot be written. `file`: the file that cannot be opened; absent if a later write failed. */
  'mark-failed': problem({ file: optional(text), failure: DISK_FAILURE }),
  /** The end of our log was in doubt: our lines continue in a new run. */
  'run-opened': problem({ run: count, reason: oneOf(DOUBT_REASONS) }),
  /** An author signed two histories, which differ from `seq` on. */
  'fork-proven': problem({ author: LOG_ID, seq: count, isOurs: boolean }),
}

export type LogEvent = EventOf<typeof LOG_EVENTS>
