import { ByteWriter } from '../../base/wire/byte-writer.js'
import { EMPTY, sameBytes, utf8 } from '../../base/wire/bytes.js'
import { LOG_KEY_BYTES, type LogId, logKeyOf, logOfLogKey, type Seq } from '../format/author.js'
import { firstSeqIn } from '../format/segment-rows.js'
import { SEQ_MAX } from '../limits.js'
import { checked, unchecked } from '../store/checked-row.js'
import type { CommitQueue } from '../store/commit-queue.js'
import type { Rewrites } from '../store/rewrites.js'
import { after, type Range, type Store, type Write } from '../store/store.js'

const BLOCKS = utf8('w')
const SEQ_BYTES = 4
const WRITES_MAX = 4_096

/** Number of consecutive places that one row is derived from. */
export const BLOCK_PLACES = 64

/** First place of the block that contains a place. */
export const blockOf = (seq: Seq): Seq => seq - ((seq - 1) % BLOCK_PLACES)

interface Database {
  readonly store: Store
  readonly queue: CommitQueue
  readonly rewrites: Rewrites
}

export interface BlockRow {
  readonly first: Seq
  readonly value: Uint8Array
}

const keyOf = (log: LogId, first: Seq): Uint8Array =>
  new ByteWriter()
    .bytes(BLOCKS)
    .bytes(logKeyOf(log) ?? EMPTY)
    .u32(first)
    .finish()

const blockRange = (log: LogId, from: Seq, to: Seq = SEQ_MAX): Range => ({ gte: keyOf(log, from), lt: keyOf(log, to) })

/** The rows of all logs of all authors. */
const ALL: Range = { gte: BLOCKS, lt: after(BLOCKS) }

/**
 * Rows that are derived from the contents of BLOCK_PLACES consecutive places of a signed log. Every write that changes these
 * contents deletes the row too, so no row retains dropped content. Any row may be missing: it is derived again.
 */
export class BlockRows {
  readonly #core: Database
  /** The blocks that have a row, by log. Undefined until `open` has read them. */
  #stored: Map<LogId, Set<Seq>> | undefined

  constructor(core: Database) {
    this.#core = core
  }

  /** Whether this version derived the stored rows, so that they can be read before `open`. */
  async areOf(version: string): Promise<boolean> {
    const found = await this.#core.store.get(BLOCKS)
    return found !== undefined && sameBytes(unchecked(found) ?? EMPTY, utf8(version))
  }

  /** Loads the keys of the stored rows. Deletes all rows first if another version derived them. */
  async open(version: string): Promise<void> {
    const { store, queue, rewrites } = this.#core
    await rewrites.run(async () => {
      if (!(await this.areOf(version))) {
        await this.clear()
        await queue.write([{ type: 'put', key: BLOCKS, value: checked(utf8(version)) }])
      }
      const stored = new Map<LogId, Set<Seq>>()
      for await (const page of store.keys(ALL))
        for (const key of page) {
          if (key.length !== 1 + LOG_KEY_BYTES + SEQ_BYTES) continue
          const log = logOfLogKey(key.subarray(1))
          stored.set(log, (stored.get(log) ?? new Set()).add(firstSeqIn(key)))
        }
      this.#stored = stored
    })
  }

  /** Whether the row of a block is stored. False for every block until `open` has read the keys. */
  has(log: LogId, first: Seq): boolean {
    return this.#stored?.get(log)?.has(first) === true
  }

  /** The last `count` rows of a log whose blocks begin before a place, in descending order. Damaged rows have no value. */
  async before(log: LogId, place: Seq, count: number): Promise<readonly BlockRow[]> {
    const rows: BlockRow[] = []
    const range = { ...blockRange(log, 1, place), reverse: true, limit: count }
    for await (const page of this.#core.store.pages(range))
      for (const [key, stored] of page) rows.push({ first: firstSeqIn(key), value: unchecked(stored) ?? EMPTY })
    return rows
  }

  /** Stores the rows that `derive` returns. The contents do not change while it runs. */
  async put(log: LogId, derive: () => Promise<readonly BlockRow[]>): Promise<void> {
    const { queue, rewrites } = this.#core
    await rewrites.run(async () => {
      const rows = await derive()
      if (rows.length === 0) return
      await queue.write(
        rows.map(({ first, value }) => ({ type: 'put', key: keyOf(log, first), value: checked(value) })),
      )
      const stored = this.#stored?.get(log) ?? new Set()
      for (const { first } of rows) stored.add(first)
      this.#stored?.set(log, stored)
    })
  }

  /** The writes that delete the rows derived from `from ≤ seq < to`, whose contents are about to change. */
  async outdated(log: LogId, from: Seq, to: Seq): Promise<Write[]> {
    const writes: Write[] = []
    if (this.#stored !== undefined && (this.#stored.get(log)?.size ?? 0) === 0) return writes
    for await (const page of this.#core.store.keys(blockRange(log, blockOf(from), to)))
      for (const key of page) {
        this.#stored?.get(log)?.delete(firstSeqIn(key))
        writes.push({ type: 'del', key })
      }
    if (this.#stored?.get(log)?.size === 0) this.#stored.delete(log)
    return writes
  }

  /** The key range of a log's rows. */
  rangeOf(log: LogId): Range {
    return blockRange(log, 0)
  }

  /** Deletes all rows. */
  async clear(): Promise<void> {
    let writes: Write[] = []
    for await (const page of this.#core.store.keys(ALL)) {
      writes.push(...page.map(key => ({ type: 'del' as const, key })))
      if (writes.length < WRITES_MAX) continue
      await this.#core.queue.write(writes)
      writes = []
    }
    if (writes.length > 0) await this.#core.queue.write(writes)
  }
}
