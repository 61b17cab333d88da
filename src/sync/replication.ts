import type { LogId, Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import type { Rejection } from '../log/format/log-fault.js'
import type { Log } from '../log/log.js'
import type { BroadcastTree, TreeConnection } from './broadcast-tree.js'
import type { ContentConnection, ContentFetcher } from './content-fetcher.js'
import type { Effect } from './effects.js'
import type { GivenContent } from './given-content.js'
import type { Receipts } from './receipts.js'

/** A log, and the state that its connections share. */
export interface ReplicationContext {
  readonly log: Log
  readonly receipts: Receipts
  readonly tree: BroadcastTree
  readonly fetcher: ContentFetcher
}

/** The protocol of one connection, without IO: bytes in, effects out. */
export interface ReplicationSession {
  /** The first bytes to send. */
  start(): Uint8Array
  receive(...chunks: readonly Uint8Array[]): Effect[]
  /** The log rejected entries of `author`. */
  refused(author: LogId, reason: Rejection): Effect[]
  /**
   * Encodes a request for the segment that contains (author, seq): empty while an earlier request is open, undefined if a request
   * cannot help. Absent if the protocol has no requests.
   */
  requestSegment?(author: LogId, seq: Seq): Uint8Array | undefined
}

/** One side of a replication: the differences between native peers and scuttleup peers. */
export interface Replication {
  readonly session: ReplicationSession
  /** The connection as the broadcast tree sees it. */
  readonly treeConnection: TreeConnection
  /** The connection as the fetcher of contents sees it; absent if the protocol has no places without content. */
  readonly content?: ContentConnection
  /** Which content the peer is given; absent if all of it is. */
  readonly given?: GivenContent
  /** Whether the peer's heads carry chain values; if not, its receipts are accepted unchecked. */
  readonly hasChainValues: boolean
  /** The first bytes to send. */
  start(): Uint8Array
  /** Yields the frames that the other side lacks, and then, when live, new frames; undefined if a step has nothing to send. */
  outgoing(since: readonly Digest[], signal: AbortSignal): AsyncGenerator<Uint8Array | undefined>
  /** The other side subscribed to the log of `since.author`, from the entry after `since.seq`. */
  subscribed(since: Digest): void
  close(): void
}
