import type { Duplex } from 'node:stream'
import type { KeyPair } from '../../src/base/crypto/signing.js'
import { openRowStore } from '../../src/compat/scuttleup/row-store.js'
import { Log } from '../../src/log/log.js'
import type { LogOptions } from '../../src/log/options.js'
import type { Store } from '../../src/log/store/store.js'
import { createReplicationStream, type ReplicationStreamOptions } from '../../src/node/connections/replication.js'
import { Replicator } from '../../src/sync/replicator.js'

/** The logs in `store`, composed as in the node. */
export const logOver = (store: Store, keys: KeyPair, options: Partial<LogOptions> = {}): Promise<Log> =>
  Log.over(store, keys, { unsigned: openRowStore, ...options })

/** The logs in `directory`, composed as in the node. */
export const logIn = (directory: string, options: Partial<LogOptions> = {}): Promise<Log> =>
  Log.open(directory, { unsigned: openRowStore, ...options })

const replicators = new WeakMap<Log, Replicator>()

/** The replicator of a log, the same at each call. */
export function replicatorOf(log: Log): Replicator {
  const replicator = replicators.get(log) ?? new Replicator(log)
  replicators.set(log, replicator)
  return replicator
}

/** One side of a replication of `log`. */
export const replicate = (log: Log, options: ReplicationStreamOptions = {}): Duplex =>
  createReplicationStream(replicatorOf(log), options)
