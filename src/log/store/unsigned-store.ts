import type { LogId, Seq } from '../format/author.js'
import type { Entry } from '../format/entry.js'
import type { Head } from '../format/heads.js'
import type { HybridClock } from '../format/hybrid-clock.js'
import type { Rejection, StoredFault } from '../format/log-fault.js'
import type { Claim } from './head-index.js'
import type { Store, Write } from './store.js'

/** Called when an entry that should be stored is missing or damaged. */
export type OnGap = (author: LogId, missing: Seq) => void

/** The writes for new entries of one unsigned log, and its head after them. */
export interface UnsignedPlan {
  readonly writes: readonly Write[]
  readonly entries: readonly Entry[]
  readonly head: Head | undefined
  /** Why the remaining entries are rejected. */
  readonly fault: Rejection | undefined
}

/** The logs of unsigned authors in a store. `Log` knows only this interface; the caller of `Log.open` provides an implementation. */
export interface UnsignedStore {
  /** The heads of all unsigned logs. */
  load(): Promise<Map<LogId, Head>>
  /** The last seq of each log according to the row of its head. */
  claims(): Promise<Map<LogId, Claim>>
  /** Decides how to store `entries`, which follow `head`. */
  plan(author: LogId, head: Head | undefined, entries: readonly Uint8Array[], bytesMax?: number): UnsignedPlan
  /** The row that records the head of a log; written in the same commit as the entries. */
  headWrite(head: Head): Write
  /** Entries with `from ≤ seq < to`, in order. Stops before a gap and reports it. */
  read(author: LogId, from: Seq, to: Seq): AsyncGenerator<readonly Entry[]>
  /** Like `read`, in reverse. */
  readBack(author: LogId, from: Seq, to: Seq): AsyncGenerator<readonly Entry[]>
  /** Looks for a gap in the keys of a log up to `seq`, and reports it. */
  inspect(author: LogId, seq: Seq): Promise<void>
  /** Writes that delete a log, in batches. */
  dropped(author: LogId): AsyncGenerator<readonly Write[]>
  /** Checks every row of a log up to `seq`. */
  verify(author: LogId, seq: Seq): Promise<{ readonly last: Seq; readonly fault: StoredFault | undefined }>
}

export type OpenUnsignedStore = (store: Store, clock: HybridClock, onGap: OnGap) => UnsignedStore
