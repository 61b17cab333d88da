import type { Duplex, Readable } from 'node:stream'
import { openRowStore } from '../../compat/scuttleup/row-store.js'
import {
  createScuttleupStream,
  type ScuttleupReplicationOptions,
} from '../../compat/scuttleup/scuttleup-replication.js'
import type { AuthorId } from '../../log/format/author.js'
import type { Entry, Members } from '../../log/format/entry.js'
import type { Digest } from '../../log/format/heads.js'
import { Log } from '../../log/log.js'
import type { LogOptions, ReadOptions } from '../../log/options.js'
import type { NativeReplicationOptions } from '../../sync/options.js'
import { Replicator } from '../../sync/replicator.js'

export interface ReplicationStreamOptions extends NativeReplicationOptions, ScuttleupReplicationOptions {
  /** The protocol of the other side, as its handshake has shown. Default: `scuttleup`. */
  readonly dialect?: 'scuttleup' | 'native'
}

/** One side of a replication: pipe a connection through it. Its errors concern that connection alone. */
export const createReplicationStream = (
  replicator: Replicator,
  { dialect, ...options }: ReplicationStreamOptions = {},
): Duplex => (dialect === 'native' ? replicator.createStream(options) : createScuttleupStream(replicator, options))

/** A log that replicates itself over the connections of the caller. */
export class ReplicatedLog {
  readonly #log: Log
  readonly #replicator: Replicator

  private constructor(log: Log) {
    this.#log = log
    this.#replicator = new Replicator(log)
  }

  /** Opens the logs in `directory`, creating it if needed. Rejects with DATA_UNUSABLE, LOG_LOCKED or LOG_CORRUPT. */
  static async open(directory: string, options: Partial<LogOptions> = {}): Promise<ReplicatedLog> {
    return new ReplicatedLog(await Log.open(directory, { unsigned: openRowStore, ...options }))
  }

  /** The author whose log `append` extends: the public key, as 64 hex digits. */
  get id(): AuthorId {
    return this.#log.author
  }

  /** The head of each log on this disk. */
  get head(): Digest[] {
    return this.#log.head
  }

  /**
   * Appends an entry to our log; resolves when it is on disk. It is neither sent nor shown before.
   * Rejects with BAD_MESSAGE, LOG_WRITE_FAILED, LOG_READ_ONLY or LOG_CLOSED.
   */
  append(members: Members): Promise<Entry> {
    return this.#log.append(members)
  }

  /** Batches of entries: the history in the order of the conversation and then, when live, what arrives. */
  read(options: ReadOptions = {}): AsyncGenerator<readonly Entry[]> {
    return this.#log.read(options)
  }

  /** The same as a stream of entries. */
  createReadStream(options: ReadOptions = {}): Readable {
    return this.#log.createReadStream(options)
  }

  /** One side of a replication: pipe a connection through it. Its errors concern that connection alone. */
  createReplicationStream(options: ReplicationStreamOptions = {}): Duplex {
    return createReplicationStream(this.#replicator, options)
  }

  /** Ends all readers, waits for what is being written, and closes the database. */
  close(): Promise<void> {
    return this.#log.close()
  }
}
