import { ByteReader } from '../base/wire/byte-reader.js'
import { ByteWriter } from '../base/wire/byte-writer.js'
import { bufferOf, EMPTY, sameBytes, utf8 } from '../base/wire/bytes.js'
import { type Erasure, erasureIn } from '../chat/kinds/erasure.js'
import { contentOf } from '../chat/kinds/kinds.js'
import type { LogContents } from '../log/content/log-contents.js'
import {
  authorOfLog,
  isSigned,
  LOG_KEY_BYTES,
  type LogId,
  logKeyOf,
  logOf,
  logOfLogKey,
  type Seq,
} from '../log/format/author.js'
import { decodeEntry, type Entry } from '../log/format/entry.js'
import { CHAIN_PREFIX_BYTES, type Digest } from '../log/format/heads.js'
import { type PlaceRange, Places } from '../log/format/places.js'
import { SEQ_MAX } from '../log/limits.js'
import type { Log } from '../log/log.js'
import type { SeqRange } from '../log/read/subscription.js'
import type { SharedRows } from '../log/store/shared-rows.js'
import type { Write } from '../log/store/store.js'

const EDITS = utf8('t')
const SCANNED = utf8('y')
const SEQ_BYTES = 4
/** Largest number of erasures that wait for entries that are not stored yet. */
const EARLY_MAX = 10_000
const EDIT = Buffer.from('"type":"edit"')

type ErasureLog = Pick<
  Log,
  'head' | 'localSeq' | 'entries' | 'rowsUnder' | 'chainAt' | 'forkOf' | 'marksNow' | 'on' | 'off'
> & { readonly contents: Pick<LogContents, 'dropAll' | 'isDeleted'> }

/**
 * Drops the content that authors erase. Reads every log once, from where the previous start stopped, and looks for
 * erasures and for edits: erasing a line also erases its edits, in whatever order they arrive. An erasure of entries
 * that are not stored yet waits for them.
 */
export class Erasures {
  readonly #log: ErasureLog
  /** Places of edits, by the line that each edit changes. */
  readonly #edits: SharedRows
  readonly #scannedRows: SharedRows
  /** Up to which entry each log was read. */
  readonly #scanned = new Map<LogId, Seq>()
  /** Places to read: new entries, and entries whose content arrived late. */
  readonly #waiting = new Map<LogId, Places>()
  /** Erasures of places that are not stored yet, by the log of the places. */
  readonly #early = new Map<LogId, Erased[]>()
  #earlyCount = 0
  /** Logs with more waiting erasures than EARLY_MAX allows. They are read again at the next start. */
  readonly #behind = new Set<LogId>()
  #failed: [LogId, Places][] = []
  #working: Promise<void> | undefined
  #isClosed = false

  private constructor(log: ErasureLog) {
    this.#log = log
    this.#edits = log.rowsUnder(EDITS)
    this.#scannedRows = log.rowsUnder(SCANNED)
  }

  /** Follows the logs from now on, and reads the stored entries in the background. */
  static async open(log: ErasureLog): Promise<Erasures> {
    const erasures = new Erasures(log)
    for (const [key, value] of await erasures.#scannedRows.all())
      if (key.length === LOG_KEY_BYTES && value.length === SEQ_BYTES)
        erasures.#scanned.set(logOfLogKey(key), bufferOf(value).readUInt32BE())
    // These logs were evicted while the room was closed, or by a version that did not delete these rows.
    for (const scanned of erasures.#scanned.keys()) if (log.localSeq(scanned) === 0) erasures.#onForgotten(scanned)
    log.on('entries', erasures.#onRange).on('filled', erasures.#onRange)
    log.on('forgotten', erasures.#onForgotten).on('shortened', erasures.#onShortened)
    for (const { author, seq } of log.head) erasures.#wait(author, (erasures.#scanned.get(author) ?? 0) + 1, seq + 1)
    return erasures
  }

  /** Resolves when every stored entry has been read, and everything that these entries erase has been dropped. */
  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working
  }

  /**
   * Resolves when every entry that was stored at the time of the call has been read. Does not wait for later entries.
   */
  async caughtUp(): Promise<void> {
    await this.#working
    await this.#working // entries that arrived during the first read
  }

  /** Every edit found for a line, whether or not it applies. */
  async editsOf({ author, seq }: Digest): Promise<readonly Digest[]> {
    const rows = await this.#edits.within({ gte: placeKey(author, seq), lt: placeKey(author, seq + 1) })
    return rows.flatMap(([key]) => editIn(key) ?? [])
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#log.off('entries', this.#onRange).off('filled', this.#onRange)
    this.#log.off('forgotten', this.#onForgotten).off('shortened', this.#onShortened)
    await this.#working
  }

  readonly #onRange = ({ author, from, to }: { readonly author: LogId } & PlaceRange): void => {
    this.#wait(author, from, to)
  }

  readonly #onForgotten = (log: LogId): void => {
    this.#waiting.delete(log)
    this.#behind.delete(log)
    if (this.#scanned.delete(log)) void this.#deleteRows(log).catch(() => {}) // if the disk fails, the rows stay, and are ignored
  }

  readonly #onShortened = (log: LogId): void => {
    if (this.#log.localSeq(log) === 0) this.#onForgotten(log)
  }

  async #deleteRows(log: LogId): Promise<void> {
    const edits = await this.#edits.within({ gte: placeKey(log, 0), lt: placeKey(log, SEQ_MAX) })
    await this.#edits.write(edits.map(([key]) => ({ type: 'del', key })))
    await this.#scannedRows.write([{ type: 'del', key: logKeyOf(log) ?? EMPTY }])
  }

  #wait(log: LogId, from: Seq, to: Seq): void {
    if (from >= to || !isSigned(log)) return
    for (const [failed, places] of this.#failed.splice(0)) this.#add(failed, places.ranges)
    this.#add(log, [{ from, to }])
    this.#working ??= this.#work()
  }

  #add(log: LogId, ranges: readonly PlaceRange[]): void {
    const places = this.#waiting.get(log) ?? new Places()
    for (const { from, to } of ranges) places.add(from, to)
    this.#waiting.set(log, places)
  }

  async #work(): Promise<void> {
    await undefined // entries that arrive in one turn are read together
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    try {
      await this.#read(waiting)
    } catch {
      // If the disk fails or the log is closed, the next entries or the next start try again.
      this.#failed = [...this.#failed, ...waiting]
    }
    this.#working = undefined
    if (this.#waiting.size > 0 && !this.#isClosed) this.#working = this.#work()
  }

  /**
   * Reads places, drops what they erase, and then records that they were read. After a crash in between, they are read
   * again.
   */
  async #read(waiting: readonly [LogId, Places][]): Promise<void> {
    const [found, edits, dropped]: [Erased[], Write[], Dropped] = [[], [], new Map()]
    for (const [log, places] of waiting)
      for (const { from, to } of places.ranges) await this.#scan({ author: log, from, to }, { found, edits, dropped })
    await this.#edits.write(edits)
    for (const [log] of waiting) {
      const early = this.#early.get(log) ?? []
      found.push(...early)
      this.#earlyCount -= early.length
      this.#early.delete(log)
    }
    for (const erased of found) await this.#erase(erased, dropped)
    for (const [log, places] of dropped) await this.#log.contents.dropAll(log, places.ranges, 'deleted')
    const isWaiting = new Set([...this.#behind, ...[...this.#early.values()].flat().map(({ by }) => by)])
    await this.#scannedRows.write(waiting.flatMap(read => this.#scannedWrite(...read, isWaiting)))
  }

  async #scan(range: SeqRange, { found, edits, dropped }: Scanned): Promise<void> {
    for await (const entries of this.#log.entries(range)) {
      if (this.#isClosed) throw new Error('closed')
      for (const entry of entries) {
        const erased = erasedBy(entry)
        if (erased !== undefined) found.push(erased)
        const edited = editedBy(entry)
        if (edited === undefined) continue
        edits.push({ type: 'put', key: keyOf(edited, entry), value: EMPTY })
        if (this.#log.contents.isDeleted(edited.author, edited.seq))
          add(dropped, entry.author, entry.seq, entry.seq + 1)
      }
    }
  }

  /** Records up to which entry a log was read. A log with a waiting erasure is read again at the next start. */
  #scannedWrite(log: LogId, places: Places, isWaiting: ReadonlySet<LogId>): Write[] {
    const last = this.#scanned.get(log) ?? 0
    const read = places.touching(last + 1, last + 2).at(-1)?.to ?? 0
    if (read <= last + 1 || isWaiting.has(log)) return []
    if (this.#log.localSeq(log) === 0) return [] // it was evicted meanwhile
    this.#scanned.set(log, read - 1)
    const value = Buffer.alloc(SEQ_BYTES)
    value.writeUInt32BE(read - 1)
    return [{ type: 'put', key: logKeyOf(log) ?? EMPTY, value }]
  }

  /** Adds the places that an erasure covers and their edits; if the places are not stored yet, the erasure waits for them. */
  async #erase(erased: Erased, dropped: Dropped): Promise<void> {
    const places = await this.#placesOf(erased)
    if (places === undefined) {
      if (this.#earlyCount++ >= EARLY_MAX) return void this.#behind.add(erased.by)
      this.#early.set(erased.log, [...(this.#early.get(erased.log) ?? []), erased])
      return
    }
    for (const { log, from, to } of places) {
      add(dropped, log, from, to)
      for (const [key] of await this.#edits.within({ gte: placeKey(log, from), lt: placeKey(log, to) })) {
        const edit = editIn(key)
        if (edit !== undefined) add(dropped, edit.author, edit.seq, edit.seq + 1)
      }
    }
  }

  /** The places that an erasure covers; if the log has forked meanwhile, those in the branch with the erasure's chain value. */
  async #placesOf({
    log,
    from,
    to,
    chain,
  }: Omit<Erased, 'by'>): Promise<readonly (PlaceRange & { readonly log: LogId })[] | undefined> {
    const fork = this.#log.forkOf(log)
    if (fork === undefined || to < fork) {
      const here = await this.#log.chainAt(log, to)
      if (here === undefined) return undefined
      return sameBytes(here, chain) ? [{ log, from, to: to + 1 }] : []
    }
    const marks = await this.#log.marksNow([{ author: log, seq: to, chain }])
    const behind = marks.find(({ author }) => author !== log)
    if (behind === undefined) return undefined
    const shift = to - behind.seq
    const branch = { log: behind.author, from: Math.max(1, from - shift), to: behind.seq + 1 }
    return from < fork ? [{ log, from, to: fork }, branch] : [branch]
  }
}

/** Places to drop. */
type Dropped = Map<LogId, Places>

interface Scanned {
  readonly found: Erased[]
  readonly edits: Write[]
  readonly dropped: Dropped
}

/** Places that an erasure covers, up to `to` inclusive, and the first bytes of the chain value at `to`. */
interface Erased {
  /** The log with the erasure. */
  readonly by: LogId
  readonly log: LogId
  readonly from: Seq
  readonly to: Seq
  readonly chain: Uint8Array
}

/** What an entry erases: only places of its own author. */
function erasedBy({ author, entry }: Entry): Erased | undefined {
  const erasure: Erasure | undefined = erasureIn(entry)
  if (erasure === undefined) return undefined
  const { run, from, to, chain } = erasure
  return { by: author, log: logOf(authorOfLog(author), run), from, to, chain: chain.subarray(0, CHAIN_PREFIX_BYTES) }
}

/** The line that an entry edits. */
function editedBy({ author, entry }: Entry): Digest | undefined {
  if (!bufferOf(entry).includes(EDIT)) return undefined
  const members = decodeEntry(entry)
  const content = members && contentOf(members)
  return content?.kind === 'edit'
    ? { author: logOf(authorOfLog(author), content.to.run), seq: content.to.seq }
    : undefined
}

function add(dropped: Dropped, log: LogId, from: Seq, to: Seq): void {
  const places = dropped.get(log) ?? new Places()
  places.add(from, to)
  dropped.set(log, places)
}

const placeKey = (log: LogId, seq: Seq): Uint8Array =>
  new ByteWriter()
    .bytes(logKeyOf(log) ?? EMPTY)
    .u32(seq)
    .finish()

const keyOf = (edited: Digest, edit: Digest): Uint8Array =>
  Buffer.concat([placeKey(edited.author, edited.seq), placeKey(edit.author, edit.seq)])

/** The place of the edit in the key of a row. */
function editIn(key: Uint8Array): Digest | undefined {
  if (key.length !== 2 * (LOG_KEY_BYTES + SEQ_BYTES)) return undefined
  const place = key.subarray(LOG_KEY_BYTES + SEQ_BYTES)
  return { author: logOfLogKey(place), seq: new ByteReader(place.subarray(LOG_KEY_BYTES)).u32() }
}
