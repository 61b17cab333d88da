import type { Digest } from '../../log/format/heads.js'
import type { Log } from '../../log/log.js'
import type { TreeConnection } from '../../sync/broadcast-tree.js'
import type { ReplicationOptions } from '../../sync/options.js'
import type { Replication, ReplicationContext } from '../../sync/replication.js'
import { ReplicationStream } from '../../sync/replication-stream.js'
import type { Mode } from './scuttleup-codec.js'
import { ScuttleupSession } from './scuttleup-session.js'

export interface ScuttleupReplicationOptions extends ReplicationOptions {
  readonly mode?: Mode
}

/** One side of a replication with a scuttleup peer: pipe a connection through it. */
export const createScuttleupStream = (
  context: ReplicationContext,
  options: ScuttleupReplicationOptions = {},
): ReplicationStream => new ReplicationStream(context, () => new ScuttleupReplication(context, options), options)

/** Replication with a scuttleup peer: sends everything that the peer lacks, then everything new. */
class ScuttleupReplication implements Replication {
  readonly session: ScuttleupSession
  readonly treeConnection: TreeConnection
  readonly hasChainValues = false
  readonly #log: Log
  readonly #isLive: boolean

  constructor({ log, tree }: ReplicationContext, { live, mode }: ScuttleupReplicationOptions) {
    this.#log = log
    this.#isLive = live !== false
    this.session = new ScuttleupSession({ id: log.id, head: log.announcedHeads, mode: mode ?? 'sync' })
    this.treeConnection = tree.open(undefined, undefined)
  }

  start(): Uint8Array {
    return this.session.start()
  }

  async *outgoing(since: readonly Digest[], signal: AbortSignal): AsyncGenerator<Uint8Array | undefined> {
    for await (const entries of this.#log.read({ since, live: this.#isLive, signal }))
      yield this.session.encode(entries)
  }

  /** The protocol has no subscriptions. */
  subscribed(): void {}

  close(): void {
    this.treeConnection.close()
  }
}
