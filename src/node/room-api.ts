import type { FileDraft } from '../chat/kinds/file.js'
import type { Draft } from '../chat/kinds/kinds.js'
import { type Message, messageOf } from '../chat/kinds/message.js'
import type { Target } from '../chat/kinds/target.js'
import type { LineLabels } from '../chat/line-labels.js'
import type { Present } from '../chat/presence/present.js'
import type { AuthorId, LogId, Seq } from '../log/format/author.js'
import type { Entry } from '../log/format/entry.js'
import type { Digest } from '../log/format/heads.js'
import type { StoredFault } from '../log/format/log-fault.js'
import type { ReadOptions } from '../log/options.js'
import type { Holder, OwnPlace, Reach, ReplicaHeads, Replicas } from '../sync/receipts.js'
import type { ConnectionSummary } from './events.js'
import type { FileProgress } from './files/download.js'
import type { KnownSet, PinSource } from './people/pin.js'

export interface SayOptions {
  /** Aborts a message that has not reached the log yet. */
  readonly signal?: AbortSignal | undefined
}

interface FileOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: FileProgress) => void) | undefined
}

export interface SendFileOptions extends FileOptions {
  /**
   * Whether a picture is sent as it is, with its metadata. Default: the metadata of JPEG, PNG and WebP files is
   * removed.
   */
  readonly isRaw?: boolean | undefined
}

export interface GetFileOptions extends FileOptions {
  /** Whether to fetch a file that is larger than the space that the disk has left. */
  readonly isConfirmed?: boolean | undefined
}

/** A stranger whose lines arrived over the same connection as an author's lines. */
export interface Companion {
  readonly author: AuthorId
  readonly of: AuthorId
}

/** The interface of a room for faces. */
export interface RoomApi {
  /** The name that the room was opened with. */
  readonly me: string
  /** Our author id. */
  readonly id: AuthorId
  readonly room: string
  /** The head of each stored log. */
  readonly heads: readonly Digest[]
  /** The labels of lines. */
  readonly labels: LineLabels
  /** How many messages are not on disk yet. */
  readonly unsavedCount: number
  readonly connectionSummary: ConnectionSummary
  /** Who else is, or was, in the room. */
  readonly presence: readonly Present[]
  /**
   * Sends a message; resolves when it is on this disk, and waits while the disk fails. Rejects with BAD_MESSAGE,
   * LOG_READ_ONLY or LOG_CLOSED, and with the reason of the signal.
   */
  say(draft: Draft | string, options?: SayOptions): Promise<void>
  /**
   * Erases one of our lines: resolves when the erasure is on this disk and the line is not. Peers drop the line when they learn of it.
   * Rejects with BAD_USAGE, LOG_WRITE_FAILED, LOG_READ_ONLY or LOG_CLOSED.
   */
  erase(place: OwnPlace): Promise<void>
  /**
   * Sends a file: copies it, so that peers can fetch it later, and resolves when its line is on disk. Rejects as `say` does, and with
   * FILE_UNUSABLE.
   */
  sendFile(file: string, options?: SendFileOptions): Promise<void>
  /** The first half of `sendFile`: copies a file, and resolves with the draft of its line. Rejects with FILE_UNUSABLE. */
  storeFile(file: string, options?: SendFileOptions): Promise<FileDraft>
  /**
   * Fetches the file of a line from the connected peers that have it, and waits for such a peer if there is none. Saves
   * the file in a directory, under an unused name. Does not fetch chunks again that are stored already. Resolves with
   * the path. Rejects with FILE_UNUSABLE, DATA_UNUSABLE, LOG_CLOSED or the reason of the signal.
   */
  getFile(line: Target, directory: string, options?: GetFileOptions): Promise<string>
  /** Resolves when every message sent so far is on this disk, or was refused. */
  flushed(): Promise<void>
  /**
   * Messages in batches: the history in conversation order, then new messages as they arrive. `isWanted` decides from
   * the bytes of an entry whether to yield its message.
   */
  batches(options: ReadOptions, isWanted?: (entry: Uint8Array) => boolean): AsyncGenerator<readonly Message[]>
  /**
   * Where a reader starts in each log in order to read the entry at `place` and the conversation before it: `count`
   * entries earlier by time. Empty if the entry is not stored.
   */
  before(place: Digest, count: number): Promise<readonly Digest[]>
  /** Our latest entry; undefined if there is none. */
  readonly lastPlace: OwnPlace | undefined
  /** Which peers have stored one of our entries. */
  replicasOf(place: OwnPlace): Replicas
  /** How many peers have dropped a line of ours that we erased. */
  reachOf(place: OwnPlace): Reach
  /** What each peer says about an entry: whether it has it, and since when. */
  holdersOf(place: Digest): Promise<readonly Holder[]>
  /** Keeps a connection to a peer, named as on the command line. Throws a ChatError. */
  connect(peer: string): void
  /** Closes the connection to a peer and stops dialling it. False if it is neither connected nor dialled. */
  disconnect(peer: string): boolean
  /** Announces that the user is away, and why; without a text, that they are back. Not stored. */
  setAway(text: string | undefined): void
  /** Announces that the user is typing. Call it at every key press. */
  typing(): void
  /** The people whom the user knows. */
  readonly people: KnownSet
  /** `pin` binds a name to a key; `forget` removes the pin of a name. */
  pin(name: string, key: AuthorId, how: PinSource): void
  forget(name: string): void
  /** The user addressed an author in a typed line, so the author is now a known person. */
  addressed(author: AuthorId): void
  /** Lifts the strangers' quota from the logs of an author, so that they are stored in full. `author`: a prefix of the author's id. */
  showAll(author: string): void
  /** The strangers whose lines arrived over the same connections as the lines of these authors. */
  companionsOf(authors: readonly AuthorId[]): Promise<readonly Companion[]>
  /** Verifies everything that is stored, log by log. */
  verify(): AsyncGenerator<{ readonly author: LogId; readonly last: Seq; readonly fault: StoredFault | undefined }>
  /** The signed logs in the format of an export. */
  archive(): AsyncIterable<Uint8Array>
}

/** A room that serves faces in other processes. */
export interface HostedRoom extends RoomApi {
  /** Our address, as peers know it. */
  readonly address: string
  /** Up to which entry other peers have stored each of our logs, by run. */
  readonly ownReplicas: Readonly<Record<string, ReplicaHeads>>
  /** The entries of `batches`, undecoded. */
  entries(options: ReadOptions): AsyncGenerator<readonly Entry[]>
  /** Resolves when our latest entry at the time of the call is delivered, as in `DeliveryWatch.delivered`. */
  delivered(options?: { readonly to?: AuthorId | undefined }): Promise<void>
}

export const messagesOf = (
  entries: readonly Entry[],
  isWanted: (entry: Uint8Array) => boolean = () => true,
  labels?: LineLabels,
): Message[] => entries.flatMap(entry => (isWanted(entry.entry) ? (messageOf(entry, labels) ?? []) : []))
