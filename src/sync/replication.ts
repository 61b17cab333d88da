import type { AuthorId, Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import type { Log } from '../log/log.js'
import type { BroadcastTree, TreeConnection } from './broadcast-tree.js'
import type { Effect } from './effects.js'
import type { Receipts } from './receipts.js'

/** A log, and what all its connections share. */
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
  /** The log rejected what came of `author`. */
  refused(author: AuthorId, reason: string): Effect[]
  /**
   * The bytes that request the segment which holds (author, seq): none where an earlier one was requested already; undefined
   * where requests are of no use. Absent where the protocol knows no requests.
   */
  requestSegment?(author: AuthorId, seq: Seq): Uint8Array | undefined
}

/** One side of a replication: what native peers and scuttleup peers do differently. */
export interface Replication {
  readonly session: ReplicationSession
  /** The connection as the broadcast tree sees it. */
  readonly treeConnection: TreeConnection
  /** Whether the peer's heads carry chain values, without which its receipts count as they are. */
  readonly hasChainValues: boolean
  /** The bytes of what the other side lacks and then, when live, of what is new; undefined where a step sends nothing. */
  outgoing(since: readonly Digest[], signal: AbortSignal): AsyncGenerator<Uint8Array | undefined>
  /** The other side subscribed to the log of `since`, from there on. */
  subscribed(since: Digest): void
  close(): void
}
