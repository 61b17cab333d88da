import type { Clock } from '../base/clock.js'
import type { KeyPair } from '../base/crypto/signing.js'
import type { Random } from '../base/random.js'
import type { AuthorId, Seq } from './format/author.js'
import type { Entry } from './format/entry.js'
import type { ForkProof } from './format/fork-proof.js'
import type { Digest } from './format/heads.js'
import type { End, EndMark } from './mark/mark.js'
import type { RelayMode } from './read/outgoing.js'
import type { SeqRange, Subscription } from './read/subscription.js'
import type { OpenUnsignedStore } from './store/unsigned-store.js'

export interface LogOptions {
  /** Opens the storage for logs of unsigned authors. */
  readonly unsigned: OpenUnsignedStore
  /** The key of our log. Default: the key in the file `key` of the directory, created where it is missing. */
  readonly keys?: KeyPair
  /** The id of the room, 32 bytes. Default: the lobby. */
  readonly room?: Uint8Array
  readonly clock?: Clock
  readonly random?: Random
  /** Largest number of authors; known ones and we are always accepted. */
  readonly authorsMax?: number
  /** Largest size of one log; ours is not limited. */
  readonly logBytesMax?: number
  /** Records the end of our log outside of the database. Without it, only peers notice a lost end. */
  readonly mark?: LogMark
  /** Whether the database was just repaired, so that entries in the middle of logs may be missing. */
  readonly isRepaired?: boolean
  /** Receives warnings that have no listener, above all those of the opening. */
  readonly onWarning?: (line: string) => void
}

/** The recorded end of our log outside of the database. docs/protocol/storage.md §4.5. */
export interface LogMark extends EndMark {
  /** The end that was found at the opening. */
  readonly found: End | undefined
  /** The last seq of the logs of others at the last clean close. */
  readonly heads: ReadonlyMap<AuthorId, Seq>
  /** Whether the mark is not in the file in which it was written. */
  readonly isMoved: boolean
  /** Records the last seq of all logs at a clean close. */
  close(heads: readonly Digest[]): Promise<void>
}

export interface LogEvents {
  /** New entries are on disk, ours and those of others. */
  entries: [SeqRange]
  /** Entries are on disk: new ones, and lost ones that were fetched again. */
  persisted: [SeqRange]
  /** One line for the user. */
  warning: [string]
  /** A write failed: nothing is written until `writable`. */
  'read-only': [string]
  writable: []
  /** An entry of ours whose append was rejected is on disk after all. */
  recovered: [Entry]
  /** Our unpublished entries from this seq on were retracted; they are appended again behind entries that came from peers. */
  retracted: [Seq]
  /** A log became shorter: its end has to be announced to peers again. */
  lost: [AuthorId]
  /** An author signed two histories. */
  fork: [ForkProof]
}

export interface ReadOptions {
  /** Continue with what arrives, in order of arrival, until the reader is closed. */
  readonly live?: boolean
  /** Only what arrives from now on. */
  readonly tail?: boolean
  /** Only entries after these heads. */
  readonly since?: readonly Digest[]
  /** Only the last entries of the history. */
  readonly last?: number
  /** Ends a live reader. */
  readonly signal?: AbortSignal
}

/** How entries are relayed to a native peer. */
export interface RelayOptions {
  /** What to relay, until it is closed. */
  readonly subscription: Subscription
  /** How the peer learns of a range. */
  readonly mode: (span: SeqRange) => RelayMode
  /** Whether the peer knows the fork of a log at this seq already. */
  readonly knowsFork: (author: AuthorId, forkedAt: Seq) => boolean
}

/** Why a run was rejected, or the rest of it. */
export interface Refusal {
  readonly reason: string
  /** The sender's segment with this entry is needed first. */
  readonly neededSeq?: Seq
}

/** Bounds how many new authors one connection may bring. */
export interface NewAuthorLimit {
  /** Whether one more is allowed; counts it. */
  take(): boolean
}
