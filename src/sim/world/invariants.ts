import { sameBytes } from '../../base/wire/bytes.js'
import {
  type AuthorId,
  authorOfLog,
  isBranch,
  isSigned,
  type LogId,
  logKeyOf,
  runOf,
  type Seq,
} from '../../log/format/author.js'
import { isControl } from '../../log/format/control.js'
import { decodeEntry, type Entry } from '../../log/format/entry.js'
import { encodedSegmentIn, SEQ_END, segmentRange } from '../../log/format/segment-rows.js'
import type { VirtualDisk } from '../virtual/disk.js'

/**
 * The entries that a reader was shown: the last entry of each log, and all entries by author, because a fork moves
 * entries to another log.
 */
export interface Shown {
  readonly last: Map<LogId, Seq>
  readonly entries: Map<AuthorId, Set<string>>
}

export const nothingShown = (): Shown => ({ last: new Map(), entries: new Map() })

/** State of one machine. */
interface Record {
  readonly author: AuthorId
  readonly disk: VirtualDisk
  readonly isByzantine: boolean
  /** The last entry of each log shown to its user by any of its processes. */
  stored: Map<LogId, Seq>
  /** Our lines that were acknowledged to its user. */
  acknowledged: Set<string>
  /** Whether the machine's user restored a backup: it may then have written to a run again. */
  wasRestored: boolean
}

/** Checks the invariants of a run. It trusts the virtual disks, not what peers report. */
export class InvariantChecker {
  readonly violations: string[] = []
  readonly #mayDropStrangers: boolean
  readonly #records = new Map<string, Record>()
  readonly #owners = new Map<AuthorId, string>()
  /** For each log and seq, the entry that was first seen there on any peer. */
  readonly #entries = new Map<LogId, Map<Seq, Uint8Array>>()
  /** For each log, the lowest seq at which a peer found it forked. */
  readonly #forks = new Map<LogId, Seq>()
  /** The end of each log on a disk, valid for one version of the disk. */
  readonly #synced = new Map<VirtualDisk, { readonly version: number; readonly last: Map<LogId, Seq> }>()

  /** With `mayDropStrangers`, peers may evict logs of Byzantine authors, and show them again. */
  constructor(mayDropStrangers = false) {
    this.#mayDropStrangers = mayDropStrangers
  }

  register(name: string, author: AuthorId, disk: VirtualDisk, isByzantine: boolean): void {
    this.#records.set(name, {
      author,
      disk,
      isByzantine,
      stored: new Map(),
      acknowledged: new Set(),
      wasRestored: false,
    })
    this.#owners.set(author, name)
  }

  /** Whether an author follows the protocol. Other authors have no guarantees. */
  isHonest(author: AuthorId | LogId): boolean {
    return this.#ownerOf(author)?.isByzantine === false
  }

  /**
   * A live reader of `name` was shown an entry. Each entry must be shown once, in order, and be synced at its author
   * and here.
   */
  shown(name: string, reader: Shown, entry: Entry): void {
    const { author, seq } = entry
    const record = this.#records.get(name)
    if (record === undefined || record.isByzantine) return
    if (this.#mayDropStrangers && !this.isHonest(author)) return
    const last = reader.last.get(author) ?? 0
    const entries = reader.entries.get(authorOfLog(author)) ?? new Set()
    const text = isSigned(author) ? Buffer.from(entry.entry).toString('latin1') : String(seq)
    if (seq <= last || entries.has(text)) this.violate(`${name} showed ${this.#place(entry)} twice`)
    if (seq > last + 1 && !isBranch(author))
      this.violate(`${name} showed ${this.#place(entry)} without entry ${last + 1} before it`)
    reader.last.set(author, Math.max(last, seq))
    reader.entries.set(authorOfLog(author), entries.add(text))
    record.stored.set(author, Math.max(record.stored.get(author) ?? 0, seq))
    this.#checkSame(name, entry)
    if (isSigned(author) && !this.#mayFork(author)) this.#checkSynced(name, record, entry)
  }

  /** A line of `name` was acknowledged: it must never be lost. */
  acknowledged(name: string, line: string): void {
    this.#records.get(name)?.acknowledged.add(line)
  }

  /** Returns the check for a history that `name` starts to read now. */
  historyCheck(name: string): (entries: readonly Entry[]) => void {
    const record = this.#records.get(name)
    if (record === undefined || record.isByzantine) return () => {}
    const stored = new Map(record.stored)
    const acknowledged = new Set(record.acknowledged)
    return entries => this.#checkHistory(name, { ...record, stored, acknowledged }, entries)
  }

  /**
   * The user of `name` restored a backup. Entries that this loses are no violation, but our lines that other peers have
   * must come back. Returns those lines.
   */
  restored(name: string): ReadonlySet<string> {
    const record = this.#records.get(name)
    if (record === undefined) return new Set()
    const elsewhere = [...this.#records.values()].filter(other => other !== record && !other.isByzantine)
    const expected = new Set<string>()
    for (const [log, entries] of this.#entries) {
      if (authorOfLog(log) !== record.author) continue
      const known = Math.max(0, ...elsewhere.map(({ stored }) => stored.get(log) ?? 0))
      for (const [seq, entry] of entries) if (seq <= known && !isControl(entry)) expected.add(lineOf(entry))
    }
    record.stored = new Map()
    record.acknowledged = new Set()
    record.wasRestored = true
    return expected
  }

  /** Checks that all peers have the same entries in the same order. */
  sameHistories(histories: ReadonlyMap<string, readonly Entry[]>): void {
    const [first, ...others] = [...histories].map(([name, entries]) => ({
      name,
      places: entries.map(entry => this.#place(entry)),
    }))
    for (const other of others) {
      const index = other.places.findIndex((place, at) => place !== first?.places[at])
      if (index !== -1 || other.places.length !== first?.places.length)
        this.violate(`${other.name} and ${first?.name} have different histories from line ${index + 1} on`)
    }
  }

  /** Checks that all honest peers divide a forked log at the same entry. */
  sameForkPoints(author: LogId, places: ReadonlyMap<string, Seq>): void {
    const [first, ...others] = [...places]
    for (const [name, place] of others)
      if (place !== first?.[1])
        this.violate(`${name} divides ${this.#place({ author, seq: place })}, but ${first?.[0]} at ${first?.[1]}`)
  }

  /** Checks that all honest peers have the same entries of Byzantine peers at the same places. */
  sameEntries(histories: ReadonlyMap<string, readonly Entry[]>): void {
    const seen = new Map<string, { readonly name: string; readonly entry: Uint8Array }>()
    for (const [name, entries] of histories) {
      for (const { author, seq, entry } of entries) {
        const place = `${author}/${seq}`
        const before = seen.get(place)
        if (before === undefined) seen.set(place, { name, entry })
        else if (!sameBytes(before.entry, entry)) {
          this.violate(`${name} and ${before.name} have different entries ${this.#place({ author, seq })}`)
          return
        }
      }
    }
  }

  /** `name` found a fork of an author's log. */
  forkProven(name: string, author: LogId, forkedAt: Seq): void {
    this.#forks.set(author, Math.min(forkedAt, this.#forks.get(author) ?? forkedAt))
    if (!this.#mayFork(author)) this.violate(`${name} accepted a proof that ${this.#nameOf(author)} forked its log`)
  }

  /** `name` received a receipt of `holder`: the entries must survive a power cut at the holder. */
  receiptReceived(name: string, holder: AuthorId, author: LogId, seq: Seq): void {
    const record = this.#ownerOf(holder)
    if (record === undefined || record.isByzantine || !isSigned(author)) return
    if (this.#mayDropStrangers && !this.isHonest(author)) return
    if (this.#lastSynced(record.disk, author) < this.#belowFork(author, seq))
      this.violate(
        `${name} has a receipt of ${this.#nameOf(holder)} for ${this.#place({ author, seq })}, which is not synced there`,
      )
  }

  violate(line: string): void {
    this.violations.push(line)
  }

  #checkHistory(name: string, record: Record, entries: readonly Entry[]): void {
    const last = new Map<LogId, Seq>()
    const lines = new Map<string, number>()
    for (const entry of entries) {
      const { author, seq } = entry
      if (seq !== (last.get(author) ?? 0) + 1) this.violate(`${name} has ${this.#place(entry)} after a gap`)
      last.set(author, seq)
      this.#checkSame(name, entry)
      if (authorOfLog(author) !== record.author || isControl(entry.entry)) continue
      const line = lineOf(entry.entry)
      lines.set(line, (lines.get(line) ?? 0) + 1)
    }
    for (const [author, stored] of record.stored) {
      const seq = this.#belowFork(author, stored)
      const now = last.get(author) ?? 0
      if (now < seq) this.violate(`${name} had ${this.#place({ author, seq })} and now ends at ${now}`)
    }
    for (const line of record.acknowledged)
      if (!lines.has(line)) this.violate(`${name} lost the acknowledged line "${line}"`)
    for (const [line, count] of lines) if (count > 1) this.violate(`${name} has its line "${line}" ${count} times`)
  }

  /** Checks that all peers have the same entry at the same place, except in the log of a Byzantine peer. */
  #checkSame(name: string, entry: Entry): void {
    if (isSigned(entry.author) && this.#mayFork(entry.author)) return
    let log = this.#entries.get(entry.author)
    if (log === undefined) {
      log = new Map()
      this.#entries.set(entry.author, log)
    }
    const before = log.get(entry.seq)
    if (before === undefined) log.set(entry.seq, new Uint8Array(entry.entry))
    else if (!sameBytes(before, entry.entry))
      this.violate(`${name} has a different ${this.#place(entry)} than another peer`)
  }

  /** Checks that a shown entry would survive a power cut at its author and at the reader. */
  #checkSynced(name: string, record: Record, { author, seq }: Entry): void {
    const owner = this.#ownerOf(author)
    if (owner === undefined) {
      this.violate(`${name} showed an entry of the unknown author ${author.slice(0, 8)}`)
      return
    }
    if (owner.isByzantine) return
    for (const disk of owner === record ? [owner.disk] : [owner.disk, record.disk]) {
      if (this.#lastSynced(disk, author) >= seq) continue
      const where = disk === owner.disk ? 'at its author' : 'there'
      this.violate(`${name} showed ${this.#place({ author, seq })}, which is not synced ${where}`)
    }
  }

  /** The last entry of a log that would survive a power cut now. */
  #lastSynced(disk: VirtualDisk, author: LogId): Seq {
    let cached = this.#synced.get(disk)
    if (cached?.version !== disk.version) {
      cached = { version: disk.version, last: new Map() }
      this.#synced.set(disk, cached)
    }
    const known = cached.last.get(author)
    if (known !== undefined) return known
    const key = logKeyOf(author)
    const row = key && disk.lastSynced(segmentRange(key, 0, SEQ_END))
    const last = (row && encodedSegmentIn(row)?.last) ?? 0
    cached.last.set(author, last)
    return last
  }

  /** The last entry up to `seq` that stays in the log after a fork: later entries move to a branch. */
  #belowFork(author: LogId, seq: Seq): Seq {
    return Math.min(seq, (this.#forks.get(author) ?? Number.POSITIVE_INFINITY) - 1)
  }

  /** Whether an author may sign two histories. An honest author may do so only after restoring a backup. */
  #mayFork(author: LogId): boolean {
    return this.#ownerOf(author)?.wasRestored !== false || !this.isHonest(author)
  }

  #place({ author, seq }: { readonly author: LogId; readonly seq: Seq }): string {
    const run = runOf(author)
    return `${this.#nameOf(author)}${run === 0 ? '' : `.${run.toString(16)}`}/${seq}`
  }

  #nameOf(author: AuthorId | LogId): string {
    return this.#owners.get(authorOfLog(author as LogId)) ?? author.slice(0, 8)
  }

  #ownerOf(author: AuthorId | LogId): Record | undefined {
    return this.#records.get(this.#owners.get(authorOfLog(author as LogId)) ?? '')
  }
}

const lineOf = (entry: Uint8Array): string => decodeEntry(entry)?.message ?? ''
