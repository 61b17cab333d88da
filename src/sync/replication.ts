import type { LogId, Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import type { Rejection } from '../log/format/log-fault.js'
import type { Log } from '../log/log.js'
import type { BroadcastTree, TreeConnection } from './broadcast-tree.js'
import type { Effect } from './effects.js'
import type { Receipts } from './receipts.js'

/** A log, and the state that its connections share. */
export interface ReplicationContext {
  readonly log: Log
  readonly receipts: Receipts
  readonly tree: BroadcastTree
}

/** The protocol of one connection, without IO: bytes in, effects out. */
export interface ReplicationSession {
  /** The first bytes to send. */
  start(): Uint8Array
  receive(bytes: Uint8Array): Effect[]
  /** The log rejected entries of `author`. */
  refused(author: LogId, reason: Rejection): Effect[]
  /**
   * Encodes a request for the segment that contains (author, seq): empty while an earlier request is open, undefined if a request
   * cannot help. Absent if the protocol has no requests.
   */
  requestSegment?(author: LogId, seq: Seq): Uint8Array | undefined
}

/** One side of a replication: what native peers and scuttleup peers do differently. */
export interface Replication {
  readonly session: ReplicationSession
  /** The connection as the broadcast tree sees it. */
  readonly treeConnection: TreeConnection
  /** Whether the peer's heads carry chain values; if not, its receipts count unchecked. */
  readonly hasChainValues: boolean
  /** Yields the frames that the other side lacks and then, when live, new ones; undefined if a step has nothing to send. */
  outgoing(since: readonly Digest[], signal: AbortSignal): AsyncGenerator<Uint8Array | undefined>
  /** The other side subscribed to the log of `since.author`, from the entry after `since.seq`. */
  subscribed(since: Digest): void
  close(): void
}
