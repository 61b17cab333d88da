import { crc32 } from 'node:zlib'
import { EMPTY, sameBytes, textOf, utf8 } from '../../base/wire/bytes.js'
import type { LogId, Seq } from '../../log/format/author.js'
import { claimedHlc, decodeEntry, type Entry } from '../../log/format/entry.js'
import { type Digest, type Head, shortened } from '../../log/format/heads.js'
import { type Hlc, type HybridClock, hlcOf, justAfter, later } from '../../log/format/hybrid-clock.js'
import type { Rejection, StoredFault } from '../../log/format/log-fault.js'
import { SEQ_MAX } from '../../log/limits.js'
import type { Claim } from '../../log/store/head-index.js'
import type { Store, Write } from '../../log/store/store.js'
import type { OnGap, OpenUnsignedStore, UnsignedPlan, UnsignedStore } from '../../log/store/unsigned-store.js'
import * as keys from './row-keys.js'

interface PlacedEntry {
  readonly seq: Seq
  readonly entry: Uint8Array
}

/**
 * Stores unsigned logs as scuttleup does, one row per entry, so a database of that program can be opened as it is. If an entry
 * states no credible time, the time at which this peer first received it is stored in a side row.
 * docs/protocol/compat-scuttleup.md §4.1.
 */
export class RowStore implements UnsignedStore {
  readonly #store: Store
  readonly #clock: HybridClock
  readonly #onGap: OnGap

  constructor(store: Store, clock: HybridClock, onGap: OnGap) {
    this.#store = store
    this.#clock = clock
    this.#onGap = onGap
  }

  /** Loads all heads. Adopts valid rows that scuttleup wrote since, up to the first gap. */
  async load(): Promise<Map<LogId, Head>> {
    const heads = await this.#savedHeads()
    for await (const [author, lastSeq] of this.#lastRows()) {
      const head = heads.get(author)
      if (head === undefined || head.seq < lastSeq) {
        const adopted = await this.#adopt(author, head, lastSeq)
        if (adopted !== undefined) heads.set(author, adopted)
      } else if (head.seq > lastSeq) {
        heads.set(author, shortened(head, lastSeq))
      }
    }
    for (const head of heads.values()) this.#clock.observe(head.last, head.author)
    return heads
  }

  async claims(): Promise<Map<LogId, Claim>> {
    const claims = new Map<LogId, Claim>()
    for (const { author } of await this.survey()) claims.set(author, 0)
    for await (const page of this.#store.pages(keys.ALL_HEADS)) {
      for (const [key, value] of page) {
        const author = keys.headKeyAuthor(key)
        if (author !== undefined) claims.set(author, decodeHead(author, value)?.seq ?? 'damaged')
      }
    }
    return claims
  }

  plan(
    author: LogId,
    head: Head | undefined,
    entries: readonly Uint8Array[],
    bytesMax = Number.POSITIVE_INFINITY,
  ): UnsignedPlan {
    const writes: Write[] = []
    const planned: Entry[] = []
    let last = head?.last
    let first = head?.first
    let seq = head?.seq ?? 0
    let size = head?.size ?? 0
    let fault: Rejection | undefined
    for (const entry of entries) {
      if (decodeEntry(entry) === undefined) fault = { kind: 'malformed-entry' }
      else if (seq >= SEQ_MAX) fault = { kind: 'log-length-limit' }
      else if (size + entry.length > bytesMax) fault = { kind: 'stranger-limit' }
      if (fault !== undefined) break
      seq++
      size += entry.length
      const claimed = this.#credible(author, claimedHlc(entry), last)
      const at: Hlc = claimed ?? this.#clock.next(last)
      this.#clock.observe(at, author)
      if (claimed === undefined) writes.push({ type: 'put', key: keys.sideRowKey('hlc', author, seq), value: utf8(at) })
      writes.push({ type: 'put', key: keys.rowKey(author, seq), value: entry })
      writes.push({ type: 'put', key: keys.sideRowKey('checksum', author, seq), value: checksumOf(entry) })
      planned.push({ author, seq, at, entry })
      first ??= at
      last = at
    }
    if (first === undefined || last === undefined) return { writes, entries: planned, head, fault }
    const next: Head = { author, seq, first, last, size }
    return { writes, entries: planned, head: next, fault }
  }

  headWrite(head: Head): Write {
    return headWrite(head)
  }

  async *read(author: LogId, from: Seq, to: Seq): AsyncGenerator<readonly Entry[]> {
    const hasTimes = await this.#hasSideRows('hlc', author, from, to)
    let expected = from
    let last: Hlc | undefined
    for await (const stored of this.#rows(author, from, to)) {
      const rows = await this.#undamaged(author, stored)
      const entries = await this.#entriesOf(author, rows, hasTimes, last)
      const gap = entries.findIndex((entry, index) => entry.seq !== expected + index)
      const good = gap === -1 ? entries : entries.slice(0, gap)
      expected += good.length
      last = good.at(-1)?.at ?? last
      if (good.length > 0) yield good
      if (gap !== -1) break
    }
    if (expected < to) this.#onGap(author, expected)
  }

  async *readBack(author: LogId, from: Seq, to: Seq): AsyncGenerator<readonly Entry[]> {
    const hasTimes = await this.#hasSideRows('hlc', author, from, to)
    let expected = to - 1
    for await (const stored of this.#rows(author, from, to, true)) {
      const rows = (await this.#undamaged(author, stored.toReversed())).toReversed()
      const entries = (await this.#entriesOf(author, rows.toReversed(), hasTimes, undefined)).toReversed()
      const gap = entries.findIndex((entry, index) => entry.seq !== expected - index)
      yield gap === -1 ? entries : entries.slice(0, gap)
      expected -= gap === -1 ? entries.length : gap
      if (gap !== -1) break
    }
    if (expected >= from) this.#onGap(author, expected)
  }

  async inspect(author: LogId, seq: Seq): Promise<void> {
    let expected = 1
    for await (const page of this.#store.keys(keys.rowRange(author, 1, seq + 1))) {
      for (const key of page) {
        if (keys.parseRowKey(key).seq !== expected) return this.#onGap(author, expected)
        expected++
      }
    }
    if (expected <= seq) this.#onGap(author, expected)
  }

  async *dropped(author: LogId): AsyncGenerator<readonly Write[]> {
    yield [{ type: 'del', key: keys.headKey(author) }]
    for await (const page of this.#store.keys(keys.rowRange(author, 1, SEQ_MAX + 1)))
      yield page.filter(key => keys.parseRowKey(key).id === author).map(deleted)
    for (const kind of ['hlc', 'checksum'] as const)
      for await (const page of this.#store.keys(keys.sideRowRange(kind, author, 1, SEQ_MAX + 1)))
        yield page.map(deleted)
  }

  /** Every log that has rows, with its last seq. Writes nothing. */
  async survey(): Promise<Digest[]> {
    const digests: Digest[] = []
    for await (const [author, seq] of this.#lastRows()) digests.push({ author, seq })
    return digests
  }

  async verify(author: LogId, seq: Seq): Promise<{ readonly last: Seq; readonly fault: StoredFault | undefined }> {
    let last = 0
    for await (const rows of this.#rows(author, 1, seq + 1)) {
      const checksums = await this.#sideRows('checksum', author, rows)
      for (const { seq, entry } of rows) {
        if (seq !== last + 1) return { last, fault: { kind: 'missing', from: last + 1, to: last + 1 } }
        const checksum = checksums.get(seq)
        if (checksum === undefined) return { last, fault: { kind: 'missing-checksum', seq } }
        if (!sameBytes(checksum, checksumOf(entry)) || decodeEntry(entry) === undefined)
          return { last, fault: { kind: 'damaged-entry', seq } }
        last++
      }
    }
    return { last, fault: last < seq ? { kind: 'missing', from: last + 1, to: last + 1 } : undefined }
  }

  /** The time that an entry states, if it is later than the time of the previous entry and not far ahead of our clock. */
  #credible(author: LogId, claimed: Hlc | undefined, last: Hlc | undefined): Hlc | undefined {
    if (claimed === undefined || (last !== undefined && claimed <= last)) return undefined
    return this.#clock.isCredible(claimed, author) ? claimed : undefined
  }

  async #hasSideRows(kind: keys.SideRow, author: LogId, from: Seq, to: Seq): Promise<boolean> {
    for await (const page of this.#store.keys({ ...keys.sideRowRange(kind, author, from, to), limit: 1 }))
      return page.length > 0
    return false
  }

  /** The rows that match their checksums. A row without a checksum was written by the scuttleup program. */
  async #undamaged(author: LogId, rows: readonly PlacedEntry[]): Promise<readonly PlacedEntry[]> {
    const checksums = await this.#sideRows('checksum', author, rows)
    return rows.filter(({ seq, entry }) => {
      const checksum = checksums.get(seq)
      return checksum === undefined || sameBytes(checksum, checksumOf(entry))
    })
  }

  /** The side rows of consecutive entries. */
  async #sideRows(kind: keys.SideRow, author: LogId, rows: readonly PlacedEntry[]): Promise<Map<Seq, Uint8Array>> {
    const values = new Map<Seq, Uint8Array>()
    const [first, last] = [rows[0], rows.at(-1)]
    if (first === undefined || last === undefined) return values
    for await (const page of this.#store.pages(keys.sideRowRange(kind, author, first.seq, last.seq + 1)))
      for (const [key, value] of page) values.set(keys.sideRowSeq(key), value)
    return values
  }

  /** Pages of a log's entries. Skips rows of other ids in the key range, which start with this id and the separator. */
  async *#rows(author: LogId, from: Seq, to: Seq, reverse = false): AsyncGenerator<readonly PlacedEntry[]> {
    for await (const page of this.#store.pages({ ...keys.rowRange(author, from, to), reverse })) {
      const rows: PlacedEntry[] = []
      for (const [key, entry] of page) {
        const { id, seq } = keys.parseRowKey(key)
        if (id === author && seq !== undefined) rows.push({ seq, entry })
      }
      yield rows
    }
  }

  async #entriesOf(
    author: LogId,
    rows: readonly PlacedEntry[],
    hasTimes: boolean,
    before: Hlc | undefined,
  ): Promise<Entry[]> {
    const times = hasTimes ? await this.#sideRows('hlc', author, rows) : undefined
    let last = before
    return rows.map(({ seq, entry }) => {
      const at =
        hlcOf(textOf(times?.get(seq) ?? EMPTY) ?? '') ??
        claimedHlc(entry) ??
        (last === undefined ? this.#clock.next() : justAfter(last))
      last = at
      return { author, seq, at, entry }
    })
  }

  async #savedHeads(): Promise<Map<LogId, Head>> {
    const heads = new Map<LogId, Head>()
    for await (const page of this.#store.pages(keys.ALL_HEADS)) {
      for (const [key, value] of page) {
        const author = keys.headKeyAuthor(key)
        const head = author === undefined ? undefined : decodeHead(author, value)
        if (head !== undefined) heads.set(head.author, head)
      }
    }
    return heads
  }

  /** The last seq of each author, in two seeks per author. */
  async *#lastRows(): AsyncGenerator<readonly [LogId, Seq]> {
    let gte = keys.ALL_ROWS.gte
    for (;;) {
      const first = await this.#firstKey({ gte, lt: keys.ALL_ROWS.lt })
      if (first === undefined) return
      const { author } = keys.parseRowKey(first)
      const seq = author === undefined ? undefined : await this.#lastSeq(author)
      if (author !== undefined && seq !== undefined) yield [author, seq]
      gte = keys.afterRowsOf(first)
    }
  }

  async #firstKey(range: { gte: Uint8Array; lt: Uint8Array }): Promise<Uint8Array | undefined> {
    for await (const page of this.#store.keys({ ...range, limit: 1 })) return page[0]
    return undefined
  }

  async #lastSeq(author: LogId): Promise<Seq | undefined> {
    const range = { ...keys.rowRange(author, 1, SEQ_MAX + 1), reverse: true }
    // Usually the last key of the range; if that is a row of another id, the range is scanned.
    for (const limit of [1, Number.POSITIVE_INFINITY]) {
      for await (const page of this.#store.keys({ ...range, limit })) {
        const last = page.map(keys.parseRowKey).find(({ id, seq }) => id === author && seq !== undefined)
        if (last !== undefined) return last.seq
      }
    }
    return undefined
  }

  async #adopt(author: LogId, head: Head | undefined, lastSeq: Seq): Promise<Head | undefined> {
    let known = head
    let expected = (head?.seq ?? 0) + 1
    for await (const rows of this.#rows(author, expected, lastSeq + 1)) {
      const gap = rows.findIndex(({ seq }, index) => seq !== expected + index)
      const good = gap === -1 ? rows : rows.slice(0, gap)
      const plan = this.plan(
        author,
        known,
        good.map(({ entry }) => entry),
      )
      if (plan.head !== undefined) await this.#store.commit([...plan.writes, headWrite(plan.head)])
      known = plan.head
      expected += good.length
      if (gap !== -1 || plan.fault !== undefined) break
    }
    return known
  }
}

const deleted = (key: Uint8Array): Write => ({ type: 'del', key })

/** The row with the head of a log; written together with the entries. */
export const headWrite = (head: Head): Write => ({
  type: 'put',
  key: keys.headKey(head.author),
  value: utf8(JSON.stringify({ seq: head.seq, first: head.first, last: head.last, size: head.size })),
})

/** Rows that were written before logs had a size limit have no size: it is then 0. */
const HEAD = /^\{"seq":(\d{1,10}),"first":"([\d.]{18})","last":"([\d.]{18})"(?:,"size":(\d{1,16}))?\}$/

/** Undefined if the row is damaged: then the head is rebuilt from the entries. */
function decodeHead(author: LogId, value: Uint8Array): Head | undefined {
  const match = HEAD.exec(textOf(value) ?? '')
  const first = hlcOf(match?.[2] ?? '')
  const last = hlcOf(match?.[3] ?? '')
  return first === undefined || last === undefined
    ? undefined
    : { author, seq: Number(match?.[1]), first, last: later(first, last), size: Number(match?.[4] ?? 0) }
}

/** The CRC-32 of an entry. Stored in a separate row, because scuttleup would read it as part of the entry. */
function checksumOf(entry: Uint8Array): Uint8Array {
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(entry))
  return checksum
}

/** Stores unsigned logs as scuttleup does; for `LogOptions.unsigned`. */
export const openRowStore: OpenUnsignedStore = (store, clock, onGap) => new RowStore(store, clock, onGap)
