import type { Duplex } from 'node:stream'
import { createScuttleupStream, type ScuttleupReplicationOptions } from '../compat/scuttleup/scuttleup-replication.js'
import type { NativeReplicationOptions } from '../sync/options.js'
import type { Replicator } from '../sync/replicator.js'

export interface ReplicationStreamOptions extends NativeReplicationOptions, ScuttleupReplicationOptions {
  /** What the other side speaks, as its handshake has shown; scuttleup's protocol unless given. */
  readonly dialect?: 'scuttleup' | 'native'
}

/** One side of a replication: pipe a connection through it. Its errors concern that connection alone. */
export const createReplicationStream = (
  replicator: Replicator,
  { dialect, ...options }: ReplicationStreamOptions = {},
): Duplex => (dialect === 'native' ? replicator.createStream(options) : createScuttleupStream(replicator, options))
