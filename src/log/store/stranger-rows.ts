import { ByteReader } from '../../base/wire/byte-reader.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { concat, EMPTY, textOf, utf8 } from '../../base/wire/bytes.js'
import { type LogId, logIdOf } from '../format/author.js'
import type { StrangerQuota, StrangerRecord } from '../stranger-quota.js'
import { checked, unchecked } from './checked-row.js'
import type { CommitQueue, LatestWrite } from './commit-queue.js'
import { after, type Store, type Write } from './store.js'

// Rows about the logs of strangers. docs/protocol/storage.md §4.2.

const STRANGERS = utf8('p')
/** Address blocks and keys are shorter; only the address that a scuttleup peer claims can be longer. */
const TEXT_BYTES_MAX = 255

const FLAGS = { isRelayed: 1, isStopped: 2, isLifted: 4, hasFirstIntroducer: 8 }

const keyOf = (log: LogId): Uint8Array => concat([STRANGERS, utf8(log)])

function encode({ block, firstIntroducer, isRelayed, stopped, isLifted }: StrangerRecord): Uint8Array {
  const flags =
    (isRelayed ? FLAGS.isRelayed : 0) |
    (stopped === undefined ? 0 : FLAGS.isStopped) |
    (isLifted ? FLAGS.isLifted : 0) |
    (firstIntroducer === undefined ? 0 : FLAGS.hasFirstIntroducer)
  const writer = new ByteWriter().u8(flags).u32(stopped ?? 0)
  if (firstIntroducer !== undefined) {
    const bytes = utf8(firstIntroducer).subarray(0, TEXT_BYTES_MAX)
    writer.u8(bytes.length).bytes(bytes)
  }
  return writer.bytes(utf8(block).subarray(0, TEXT_BYTES_MAX)).finish()
}

function decode(bytes: Uint8Array): StrangerRecord | undefined {
  const reader = new ByteReader(bytes)
  const flags = reader.u8()
  const stopped = reader.u32()
  const firstIntroducer = (flags & FLAGS.hasFirstIntroducer) === 0 ? undefined : textOf(reader.bytes(reader.u8()))
  const block = textOf(reader.rest())
  if (block === undefined) return undefined
  return reader.end({
    block,
    ...(firstIntroducer !== undefined && { firstIntroducer }),
    isRelayed: (flags & FLAGS.isRelayed) !== 0,
    stopped: (flags & FLAGS.isStopped) === 0 ? undefined : stopped,
    isLifted: (flags & FLAGS.isLifted) !== 0,
  })
}

/** Stores the records that the quota needs about the logs of strangers after a restart. */
export class StrangerRows {
  readonly #store: Store
  readonly #queue: CommitQueue
  readonly #quota: StrangerQuota

  constructor(store: Store, queue: CommitQueue, quota: StrangerQuota) {
    this.#store = store
    this.#queue = queue
    this.#quota = quota
    // Stored in the commit of the entries, which are written in the same turn. If that fails, after a restart the log is treated
    // as imported.
    quota.onRecord(log => void queue.write([], this.#latest(log)).catch(() => {}))
  }

  /** The stored records, without those that are damaged. */
  async load(): Promise<Map<LogId, StrangerRecord>> {
    const records = new Map<LogId, StrangerRecord>()
    for await (const page of this.#store.pages({ gte: STRANGERS, lt: after(STRANGERS) })) {
      for (const [key, value] of page) {
        const log = logIdOf(textOf(key.subarray(STRANGERS.length)) ?? '')
        const record = decode(unchecked(value) ?? EMPTY)
        if (log !== undefined && record !== undefined) records.set(log, record)
      }
    }
    return records
  }

  /** Deletes the records of logs whose authors are no longer strangers. */
  prune(records: ReadonlyMap<LogId, StrangerRecord>): void {
    for (const log of records.keys()) if (this.#quota.record(log) === undefined) this.#queue.defer(this.#latest(log))
  }

  #latest(log: LogId): LatestWrite {
    return { name: `stranger ${log}`, write: () => this.#write(log) }
  }

  #write(log: LogId): Write {
    const record = this.#quota.record(log)
    if (record === undefined) return { type: 'del', key: keyOf(log) }
    return { type: 'put', key: keyOf(log), value: checked(encode(record)) }
  }
}
