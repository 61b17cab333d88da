import type { DiskFailure } from '../base/files/disk-faults.js'
import type { LogId, Run, Seq } from './format/author.js'
import type { DoubtReason } from './mark/doubt.js'
import type { FileFault } from './store/leveldb/check.js'

/** What happens to the logs on this disk. All fields are JSON; a face makes sentences of them. */
export type LogEvent =
  /** A write failed: nothing is written until `disk-recovered`. */
  | { readonly kind: 'disk-failed'; readonly failure: DiskFailure }
  | { readonly kind: 'disk-recovered' }
  /** An entry of ours whose append was rejected is on disk after all. */
  | { readonly kind: 'entry-recovered'; readonly seq: Seq }
  /** The database was damaged, and has been repaired; the damaged files are kept in `kept`. */
  | { readonly kind: 'database-repaired'; readonly kept: string; readonly faults: readonly FileFault[] }
  /** Damage was found in the open database. */
  | { readonly kind: 'database-damaged'; readonly detail: string }
  /** An entry cannot be read. It is fetched again from peers. */
  | { readonly kind: 'entry-damaged'; readonly author: LogId; readonly seq: Seq }
  /** Entries that were stored at the last close are missing. They are fetched again from peers. */
  | { readonly kind: 'entries-missing'; readonly author: LogId; readonly from: Seq; readonly to: Seq }
  /** Entries disappeared when the database was reopened after a failed write. */
  | { readonly kind: 'entries-lost'; readonly author: LogId; readonly from: Seq; readonly to: Seq }
  /** The last entries of our log were missing, and were restored from its mark. */
  | { readonly kind: 'log-end-restored' }
  /** A stranger's log has stopped at `seq`, because others need the space. It is known to extend to `last`. */
  | { readonly kind: 'log-stopped'; readonly author: LogId; readonly seq: Seq; readonly last: Seq }
  /** A mark cannot be written: `file` could not be opened or, without `file`, writing to an open one failed. */
  | { readonly kind: 'mark-failed'; readonly file?: string; readonly failure: DiskFailure }
  /** The end of our log was in doubt: the log continues in a new run. */
  | { readonly kind: 'run-opened'; readonly run: Run; readonly reason: DoubtReason }
  /** An author signed two histories, which differ from `seq` on. */
  | { readonly kind: 'fork-proven'; readonly author: LogId; readonly seq: Seq; readonly isOurs: boolean }
