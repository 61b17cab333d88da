import type { Clock } from '../base/clock.js'
import type { KeyPair } from '../base/crypto/signing.js'
import type { Random } from '../base/random.js'
import type { LogEvent } from './events.js'
import type { LogId, Run, Seq } from './format/author.js'
import type { Entry } from './format/entry.js'
import type { ForkProof } from './format/fork-proof.js'
import type { Digest } from './format/heads.js'
import type { Hlc } from './format/hybrid-clock.js'
import type { Rejection } from './format/log-fault.js'
import type { PlaceRange } from './format/places.js'
import type { KnownPeople } from './known-people.js'
import type { End, EndMark } from './mark/mark.js'
import type { RelayMode } from './read/outgoing.js'
import type { SeqRange, Subscription } from './read/subscription.js'
import type { OpenUnsignedStore } from './store/unsigned-store.js'
import type { StrangerQuota } from './stranger-quota.js'

export interface LogOptions {
  /** Opens the storage for logs of unsigned authors. */
  readonly unsigned: OpenUnsignedStore
  /** The key of our log. Default: the key in the file `key` of the directory, created if missing. */
  readonly keys?: KeyPair
  /** The id of the room, 32 bytes. Default: the lobby. */
  readonly room?: Uint8Array
  readonly clock?: Clock
  readonly random?: Random
  /** Default: everybody is known. */
  readonly known?: KnownPeople
  /** Largest number of authors. Stored authors and our own are always accepted. */
  readonly authorsMax?: number
  /** Bounds what strangers may store here. Default: `authorsMax` is the only limit. */
  readonly quota?: StrangerQuota
  /** The last seq accepted in a log of another author; `first` is its first entry, if not stored yet. Default: no limit. */
  readonly lastAccepted?: (log: LogId, first?: Uint8Array) => Seq
  /** The date from which peers give us content. Older content is not requested, except our own. Default, and if undefined: no limit. */
  readonly givenFrom?: () => Hlc | undefined
  /** Records the end of our log outside the database. Without it, only peers notice a lost end. */
  readonly mark?: LogMark
  /** Whether the key was made together with the database; if not, an empty database continues our log in a new run. Default: true. */
  readonly isNewKey?: boolean
  /** Whether the database was just repaired, so that entries in the middle of logs may be missing. */
  readonly isRepaired?: boolean
  /** Receives events that have no listener, notably those during opening. */
  readonly onEvent?: (event: LogEvent) => void
}

/** The end of our log as recorded outside the database. docs/protocol/storage.md §4.5. */
export interface LogMark extends EndMark {
  /** The end that was recorded when the log was opened. */
  readonly found: End | undefined
  /** The run that is recorded now. */
  readonly run: Run | undefined
  /** The last seq of the logs of others at the last clean close. */
  readonly heads: ReadonlyMap<LogId, Seq>
  /** Whether this file is a copy: its mark was written to another file. */
  readonly isMoved: boolean
  /** A log was shortened on purpose: the next start does not report its entries as missing. */
  forget(log: LogId): void
  /** Erases the rows of the last commit from all files; resolves when they are gone. */
  forgetBatch?(): Promise<void>
  /** Records the last seq of all logs at a clean close. */
  close(heads: readonly Digest[]): Promise<void>
}

export interface LogEvents {
  /** New entries are on disk, ours or others'. */
  entries: [SeqRange]
  /** Entries are on disk: new ones, and lost ones that were fetched again. */
  persisted: [SeqRange]
  /** Places that had no content have it now. */
  filled: [SeqRange]
  /** The missing content of a log changed. */
  gaps: [LogId]
  /** Something to report to the user. */
  event: [LogEvent]
  /** An entry of ours whose append was rejected is on disk after all. */
  recovered: [Entry]
  /** Our log continues in a new run; the id of that log. */
  opened: [LogId]
  /** A log became shorter: announce its end to peers again. */
  lost: [LogId]
  /** A stranger's log was shortened or deleted, because others need the space: peers are told where it ends now. */
  shortened: [LogId]
  /** An author signed two histories. */
  fork: [ForkProof]
  /** The log of a stranger was deleted, and the quota's record of it too: listeners drop what they know about it. */
  forgotten: [LogId]
}

/**
 * Largest number of ranges per log that a read mark remembers as passed without content. The oldest ranges beyond it are treated as read.
 */
export const PASSED_MAX = 64

/** How far a reader has read a log. */
export interface ReadMark extends Digest {
  /** Earlier places that the reader passed without content: it is shown their content if that arrives. */
  readonly passed?: readonly PlaceRange[]
}

export interface ReadOptions {
  /** Continue with new entries, in order of arrival, until the reader is closed. */
  readonly live?: boolean
  /** Only entries that arrive from now on. */
  readonly tail?: boolean
  /** Only entries after these heads. */
  readonly since?: readonly ReadMark[]
  /** Also consecutive places without content, as entries with a `gap`. They do not count towards `last`. */
  readonly gaps?: boolean
  /** Only the last entries of the history. */
  readonly last?: number
  /** Which entries count towards `last`; the others are read along with them. Default: all. */
  readonly isCounted?: (entry: Uint8Array) => boolean
  /** Ends a live reader. */
  readonly signal?: AbortSignal
}

/** How entries are relayed to a native peer. */
export interface RelayOptions {
  /** The entries to relay, until it is closed. */
  readonly subscription: Subscription
  /** How the peer learns of a range. */
  readonly mode: (span: SeqRange) => RelayMode
  /** Whether the peer already knows a branch. */
  readonly knows: (branch: LogId) => boolean
}

/** Why a run, or the rest of it, was rejected. */
export interface Refusal {
  readonly reason: Rejection
  /** The sender's segment with this entry is needed first. */
  readonly neededSeq?: Seq
}
