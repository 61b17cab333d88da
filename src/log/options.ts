import type { Clock } from '../base/clock.js'
import type { KeyPair } from '../base/crypto/signing.js'
import type { Random } from '../base/random.js'
import type { AuthorId, Seq } from './format/author.js'
import type { Entry } from './format/entry.js'
import type { ForkProof } from './format/fork-proof.js'
import type { Digest } from './format/heads.js'
import type { End } from './mark/mark.js'
import type { EndMark } from './own/own-log.js'
import type { Way } from './read/outgoing.js'
import type { SeqRange, Subscription } from './read/subscription.js'
import type { OpenUnsignedStore } from './store/unsigned-store.js'

export interface LogOptions {
  /** How the logs of unsigned authors are laid out in the store. */
  readonly unsigned: OpenUnsignedStore
  /** Whose log is extended; without them the key in the file `key` of the directory, made where there is none. */
  readonly keys?: KeyPair
  /** The id of the conversation, 32 bytes; without it that of the lobby. */
  readonly room?: Uint8Array
  readonly clock?: Clock
  readonly random?: Random
  /** How many authors are taken in; own and already known ones do not count against it. */
  readonly authorsMax?: number
  /** How many bytes of one log are taken in; the own is never stopped. */
  readonly logBytesMax?: number
  /** Where the end of the own log is noted outside of the database; without it a lost end is noticed only by peers. */
  readonly mark?: LogMark
  /** Whether the database was just repaired: entries in the middle of logs may be missing. */
  readonly isRepaired?: boolean
  /** Told what nobody listens for: above all what is found at the opening. */
  readonly onWarning?: (line: string) => void
}

/** The end of the own log, noted outside of the database. PROTOCOL.md §4.5. */
export interface LogMark extends EndMark {
  /** The end that was noted last, as it was found at the opening. */
  readonly found: End | undefined
  /** How far the logs of others went at the last clean end. */
  readonly heads: ReadonlyMap<AuthorId, Seq>
  /** Whether the mark lies somewhere else than where it was written. */
  readonly isMoved: boolean
  /** Notes how far all logs go at a clean end. */
  close(heads: readonly Digest[]): Promise<void>
}

export interface LogEvents {
  /** Entries became durable here, own and others'. */
  entries: [SeqRange]
  /** Entries are on disk: new ones, and those that were lost and fetched again. */
  persisted: [SeqRange]
  /** One line for the user. */
  warning: [string]
  /** A failed write: nothing is written until `writable`. */
  'read-only': [string]
  writable: []
  /** An own entry whose append was rejected stands in the log after all. */
  recovered: [Entry]
  /** Own entries from a place on, of which nobody was told, made room for others: they are appended again behind those. */
  'taken-back': [Seq]
  /** Something that was held is not there any more: peers have to be told anew how far it goes. */
  lost: [AuthorId]
  /** It is proven that an author signed two histories. */
  fork: [ForkProof]
}

export interface ReadOptions {
  /** Go on with what arrives, in order of arrival, until the reader is closed. */
  readonly live?: boolean
  /** Nothing of what is there already, only what arrives. */
  readonly tail?: boolean
  /** Only what lies behind these heads. */
  readonly since?: readonly Digest[]
  /** Of the history only the last `last` entries. */
  readonly last?: number
  /** Ends a live reader. */
  readonly signal?: AbortSignal
}

/** What is relayed to a peer of ours that follows what arrives. */
export interface RelayOptions {
  /** What there is to relay, until it is closed. */
  readonly feed: Subscription
  /** What is to be done with it. */
  readonly way: (span: SeqRange) => Way
  /** Whether it knows already that two histories are proven from a place on. */
  readonly knowsFork: (author: AuthorId, place: Seq) => boolean
}

/** Why a run was not taken, or not all of it. */
export interface Refusal {
  readonly reason: string
  /** It cannot be judged before the sender's segment at this place is seen. */
  readonly want?: Seq
}
