import type { LogId, Seq } from '../log/format/author.js'
import { logOfSegment } from '../log/format/segment.js'
import { SEQ_MAX } from '../log/limits.js'
import type { Log } from '../log/log.js'
import { BroadcastTree } from './broadcast-tree.js'
import { ContentFetcher } from './content-fetcher.js'
import { createNativeStream } from './native-replication.js'
import type { NativeReplicationOptions } from './options.js'
import { Receipts } from './receipts.js'
import type { ReplicationContext } from './replication.js'
import type { ReplicationStream } from './replication-stream.js'

/** Replicates the logs of one room over any number of connections: owns the broadcast tree and the receipts that they share. */
export class Replicator implements ReplicationContext {
  readonly log: Log
  /** Which entries other peers have, according to their announcements. */
  readonly receipts: Receipts
  readonly tree: BroadcastTree
  readonly fetcher: ContentFetcher

  constructor(log: Log) {
    this.log = log
    this.tree = new BroadcastTree(
      log.clock,
      author => neededFrom(log, author),
      () => log.logsMax,
    )
    this.receipts = new Receipts(log)
    log.quota?.onLifted(lifted => this.tree.retry(lifted))
    this.fetcher = new ContentFetcher(log)
    log.on('persisted', ({ author }) => {
      if (log.isOurs(author)) this.receipts.ourLogGrew(author)
    })
    // Otherwise evicted logs of strangers would use up memory.
    log.on('forgotten', forgotten => {
      this.tree.dropped(forgotten)
      this.receipts.forget(forgotten)
    })
    log.on('fork', ({ segments: [segment] }) => this.receipts.ourLogForked(logOfSegment(segment)))
  }

  /** One side of a replication with a native peer: pipe a connection through it. Its errors affect that connection only. */
  createStream(options: NativeReplicationOptions = {}): ReplicationStream {
    return createNativeStream(this, options)
  }
}

/** A log that has stopped needs no further entries. */
const neededFrom = (log: Log, author: LogId): Seq => (log.quota?.isStopped(author) ? SEQ_MAX : log.localSeq(author))
