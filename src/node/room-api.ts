import type { Draft } from '../chat/kinds/kinds.js'
import { type Message, messageOf } from '../chat/kinds/message.js'
import type { Present } from '../chat/presence/present.js'
import type { AuthorId, Seq } from '../log/format/author.js'
import type { Entry } from '../log/format/entry.js'
import type { Digest } from '../log/format/heads.js'
import type { ReadOptions } from '../log/options.js'
import type { ReplicaHeads, Replicas } from '../sync/receipts.js'
import type { ConnectionSummary } from './connection-summary.js'

export interface SayOptions {
  /** Gives up a message that the log does not have yet. */
  readonly signal?: AbortSignal | undefined
}

/** What somebody who takes part in a conversation can see and do in it. */
export interface RoomApi {
  /** The own name, as the user opened it. */
  readonly me: string
  /** The own author id. */
  readonly id: AuthorId
  readonly room: string
  /** How far each log goes that is held here. */
  readonly heads: readonly Digest[]
  /** How many lines said are not yet on disk. */
  readonly unsavedCount: number
  readonly connectionSummary: ConnectionSummary
  /** Who else is in the room, and who was. */
  readonly presence: readonly Present[]
  /**
   * Says something; resolves when it is on this disk, and waits while the disk does not work. Rejects with BAD_MESSAGE,
   * LOG_FROZEN, LOG_READ_ONLY or LOG_CLOSED, and with the reason of the signal.
   */
  say(draft: Draft | string, options?: SayOptions): Promise<void>
  /** Resolves when everything said so far is on this disk, or was refused for good. */
  flushed(): Promise<void>
  /** What was said, in batches: history in order of conversation, then what arrives; only what `isWanted`, seen as bytes. */
  batches(options: ReadOptions, isWanted?: (entry: Uint8Array) => boolean): AsyncGenerator<readonly Message[]>
  /** Where an own entry is held besides here. */
  replicasOf(seq: Seq): Replicas
  /** Links with a peer, named as on the command line, from now on. Throws a ChatError. */
  connect(peer: string): void
  /** Does not try a peer any more, and closes the link with it. False where it is neither tried nor linked. */
  disconnect(peer: string): boolean
  /** Tells others that the user is away, and why; or, without a text, that he is back. Nothing of it is stored. */
  setAway(text: string | undefined): void
  /** Tells others that the user types; to be called as often as he presses a key. */
  typing(): void
  /** Looks at everything that is stored, log by log. */
  verify(): AsyncGenerator<{ readonly author: AuthorId; readonly last: Seq; readonly fault: string | undefined }>
  /** The signed logs, as a file holds them. */
  archive(): AsyncIterable<Uint8Array>
}

/** An entry, and whether its author signed another history as well, in which it does not stand. */
export interface RoomEntry extends Entry {
  readonly isForked: boolean
}

/** A conversation that windows in other processes can take part in. */
export interface HostedRoom extends RoomApi {
  /** The own address, as peers know it. */
  readonly address: string
  /** How far the own log is held besides here. */
  readonly ownReplicas: ReplicaHeads
  /** What `messages` gives, as it is stored. */
  entries(options: ReadOptions): AsyncGenerator<readonly RoomEntry[]>
  /** Resolves when some peer has stored the last own line of now. */
  delivered(): Promise<void>
}

export const messagesOf = (
  entries: readonly RoomEntry[],
  isWanted: (entry: Uint8Array) => boolean = () => true,
): Message[] => entries.flatMap(entry => (isWanted(entry.entry) ? (messageOf(entry, entry.isForked) ?? []) : []))
