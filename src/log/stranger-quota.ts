import type { AuthorId, LogId, Seq } from './format/author.js'

/** A connection that brought entries, and where it came from. */
export interface Introducer {
  /** The proven key at the other end, or the address that a scuttleup peer claims. */
  readonly id: string
  /** The block of addresses that it came from. On loopback the same as `id`. */
  readonly block: string
  /** The author at the other end, who sends their own log directly. */
  readonly author?: LogId | undefined
}

/** The stored state of a stranger's log, so that its share stays the same after a restart. */
export interface StrangerRecord {
  /** The introducer whose share the log uses once the connection is closed: an address block, or the key of a known person. */
  readonly block: string
  /** The connection that first brought the log, if that is remembered. */
  readonly firstIntroducer?: string | undefined
  /** Whether somebody other than its author brought it. */
  readonly isRelayed: boolean
  /** Its last known seq, if it has stopped. */
  readonly stopped: Seq | undefined
  /** Whether the user wants all of it. */
  readonly isLifted: boolean
}

/** A log to shorten to the segments at its start, with at most `bytesKept` bytes. */
export interface Cut {
  readonly log: LogId
  readonly bytesKept: number
}

/** Whether, and up to which size, entries of a log are stored now. */
export type Admission =
  | { readonly kind: 'stored'; readonly bytesMax: number }
  /** The log has stopped: entries after its end are not stored. */
  | { readonly kind: 'stopped' }
  /** A relay sent entries of an unsigned author who is connected and sends them directly. */
  | { readonly kind: 'relayed' }

/** Decides how much of the logs of strangers this disk stores. `sync/quota` implements it. */
export interface StrangerQuota {
  /** Called before entries of a log, which has `bytes` so far, are verified. */
  admit(log: LogId, bytes: number, introducer: Introducer | undefined): Admission
  /** A log grew to `bytes`. Returns the logs that have to be shortened for it. */
  grew(log: LogId, bytes: number, introducer: Introducer | undefined): readonly Cut[]
  /** A log was shortened to `bytes`, or moved. */
  resized(log: LogId, bytes: number): void
  /** Records that entries of a log up to `last` exist but are not stored. Returns whether the user is to be told. */
  stop(log: LogId, last: Seq): boolean
  /**
   * Starts over with the logs and records that were read from the disk. Returns the logs that have to be shortened, for example after a
   * crash.
   */
  reset(
    logs: Iterable<{ readonly author: LogId; readonly size: number }>,
    records: ReadonlyMap<LogId, StrangerRecord>,
  ): readonly Cut[]
  /** The record to store about a log; undefined if the log is neither a stranger's nor remembered as stopped. */
  record(log: LogId): StrangerRecord | undefined
  /** Calls `listener` when the record of a log changed. */
  onRecord(listener: (log: LogId) => void): void
  isStranger(log: LogId): boolean
  isStopped(log: LogId): boolean
  /**
   * Whether a log had stopped and may grow again. Entries that were rejected while it was stopped leave a gap, so entries still in flight
   * do not continue it.
   */
  isResumed(log: LogId): boolean
  /**
   * The strangers whose logs came over the same connections as an author's logs, not counting connections to people whom the user knows.
   */
  companionsOf(author: AuthorId): readonly AuthorId[]
  /** Whether a log is announced and sent to other peers. */
  isPassedOn(log: LogId): boolean
  /** The logs that have stopped, and the last seq that is known of each. */
  readonly stopped: ReadonlyMap<LogId, Seq>
  /** The user wants the rest of a log: it is stored without a limit from now on. */
  lift(log: LogId): void
  /** Calls `listener` when a log that had stopped may grow again. */
  onLifted(listener: (log: LogId) => void): void
  /** A connection opened. Returns a function to call when it closes. */
  connected(introducer: Introducer): () => void
}
