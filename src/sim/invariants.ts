import { sameBytes } from '../base/wire/bytes.js'
import { type AuthorId, isSigned, keyOf, type Seq } from '../log/format/author.js'
import { decodeEntry, type Entry } from '../log/format/entry.js'
import { encodedSegmentIn, SEQ_END, segmentRange } from '../log/format/segment-rows.js'
import type { VirtualDisk } from './virtual-disk.js'

/** How far one reader of one process was shown each log. */
export type Shown = Map<AuthorId, Seq>

/** What the judge knows of one machine. */
interface Record {
  readonly author: AuthorId
  readonly disk: VirtualDisk
  readonly isLiar: boolean
  /** How far each log was shown to its user, by whichever of its processes. */
  held: Map<AuthorId, Seq>
  /** Lines of which its user was told that they are on disk. */
  acknowledged: Set<string>
}

/** Watches a run, and says what must never be. It believes the disks, not the programs. */
export class InvariantChecker {
  readonly violations: string[] = []
  readonly #records = new Map<string, Record>()
  readonly #owners = new Map<AuthorId, string>()
  /** What stood at a place when it was first seen by anybody: author by author, by seq. */
  readonly #entries = new Map<AuthorId, Map<Seq, Uint8Array>>()
  /** The end of each log on a disk, valid for one version of the disk. */
  readonly #synced = new Map<VirtualDisk, { readonly version: number; readonly last: Map<AuthorId, Seq> }>()

  register(name: string, author: AuthorId, disk: VirtualDisk, isLiar: boolean): void {
    this.#records.set(name, { author, disk, isLiar, held: new Map(), acknowledged: new Set() })
    this.#owners.set(author, name)
  }

  /** Whether an author keeps the rules: only of such is anything promised. */
  isHonest(author: AuthorId): boolean {
    return this.#records.get(this.#owners.get(author) ?? '')?.isLiar === false
  }

  /** A live reader of `name` was given an entry. */
  shown(name: string, reader: Shown, entry: Entry): void {
    const { author, seq } = entry
    const record = this.#records.get(name)
    if (record === undefined || record.isLiar) return
    const last = reader.get(author) ?? 0
    if (seq <= last) this.violate(`${name} printed ${this.#place(entry)} twice`)
    if (seq > last + 1) this.violate(`${name} printed ${this.#place(entry)} and not entry ${last + 1} before it`)
    reader.set(author, Math.max(last, seq))
    record.held.set(author, Math.max(record.held.get(author) ?? 0, seq))
    this.#same(name, entry)
    if (isSigned(author)) this.#onDiskOf(name, record, entry)
  }

  /** `name` was told that what it said is on disk. */
  acknowledged(name: string, line: string): void {
    this.#records.get(name)?.acknowledged.add(line)
  }

  /** `name` begins to read all that it holds: what is given judges what it finds. */
  reading(name: string): (entries: readonly Entry[]) => void {
    const record = this.#records.get(name)
    if (record === undefined || record.isLiar) return () => {}
    const held = new Map(record.held)
    const acknowledged = new Set(record.acknowledged)
    return entries => this.#holds(name, { ...record, held, acknowledged }, entries)
  }

  /**
   * The disk of `name` was put back to an earlier state by its user: what it has lost by that is nobody's fault, but of
   * the own lines those that others hold have to come back. Gives those lines.
   */
  restored(name: string): ReadonlySet<string> {
    const record = this.#records.get(name)
    if (record === undefined) return new Set()
    const own = this.#entries.get(record.author)
    const elsewhere = [...this.#records.values()].filter(other => other !== record && !other.isLiar)
    const known = Math.max(0, ...elsewhere.map(({ held }) => held.get(record.author) ?? 0))
    const due = new Set<string>()
    for (const [seq, entry] of own ?? []) if (seq <= known) due.add(lineOf(entry))
    record.held = new Map()
    record.acknowledged = new Set()
    return due
  }

  /** All peers hold the same, in the same order. */
  alike(histories: ReadonlyMap<string, readonly Entry[]>): void {
    const [first, ...others] = [...histories].map(([name, entries]) => ({
      name,
      places: entries.map(entry => this.#place(entry)),
    }))
    for (const other of others) {
      const index = other.places.findIndex((place, at) => place !== first?.places[at])
      if (index !== -1 || other.places.length !== first?.places.length)
        this.violate(`${other.name} has another history than ${first?.name}, from its line ${index + 1} on`)
    }
  }

  /** Where a liar told two histories, all honest peers take them as disputed from the same place on. */
  frozenAlike(author: AuthorId, places: ReadonlyMap<string, Seq>): void {
    const [first, ...others] = [...places]
    for (const [name, place] of others)
      if (place !== first?.[1])
        this.violate(
          `${name} takes ${this.#place({ author, seq: place })} as disputed, and ${first?.[0]} ${first?.[1]}`,
        )
  }

  /** What honest peers hold of a liar, and take as undisputed, is the same with all of them. */
  undisputed(histories: ReadonlyMap<string, readonly Entry[]>): void {
    const seen = new Map<string, { readonly name: string; readonly entry: Uint8Array }>()
    for (const [name, entries] of histories) {
      for (const { author, seq, entry } of entries) {
        const place = `${author}/${seq}`
        const before = seen.get(place)
        if (before === undefined) seen.set(place, { name, entry })
        else if (!sameBytes(before.entry, entry)) {
          this.violate(`${name} and ${before.name} hold another ${this.#place({ author, seq })}, undisputed`)
          return
        }
      }
    }
  }

  /** `name` takes it as proven that an author signed two histories. */
  frozen(name: string, author: AuthorId): void {
    if (this.isHonest(author)) this.violate(`${name} believes that ${this.#owners.get(author)} signed two histories`)
  }

  /** `name` was told by `holder` how far that one holds a log: it would outlive a power cut there. */
  told(name: string, holder: AuthorId, author: AuthorId, seq: Seq): void {
    const record = this.#records.get(this.#owners.get(holder) ?? '')
    if (record === undefined || record.isLiar || !isSigned(author)) return
    if (this.#safe(record.disk, author) < seq)
      this.violate(
        `${name} was told that ${this.#owners.get(holder)} holds ${this.#place({ author, seq })}, which is not safe there`,
      )
  }

  violate(line: string): void {
    this.violations.push(line)
  }

  #holds(name: string, record: Record, entries: readonly Entry[]): void {
    const last: Shown = new Map()
    const lines = new Map<string, number>()
    for (const entry of entries) {
      const { author, seq } = entry
      if (seq !== (last.get(author) ?? 0) + 1) this.violate(`${name} holds ${this.#place(entry)} behind a hole`)
      last.set(author, seq)
      this.#same(name, entry)
      if (author !== record.author) continue
      const line = lineOf(entry.entry)
      lines.set(line, (lines.get(line) ?? 0) + 1)
    }
    for (const [author, seq] of record.held) {
      const now = last.get(author) ?? 0
      if (now < seq) this.violate(`${name} held ${this.#place({ author, seq })} and now ends at ${now}`)
    }
    for (const line of record.acknowledged)
      if (!lines.has(line)) this.violate(`${name} has lost "${line}", which was acknowledged`)
    for (const [line, count] of lines) if (count > 1) this.violate(`${name} holds its own "${line}" ${count} times`)
  }

  /** The same place always holds the same entry; but for a liar's own log, if it forks. */
  #same(name: string, entry: Entry): void {
    if (isSigned(entry.author) && !this.isHonest(entry.author)) return
    let log = this.#entries.get(entry.author)
    if (log === undefined) {
      log = new Map()
      this.#entries.set(entry.author, log)
    }
    const before = log.get(entry.seq)
    if (before === undefined) log.set(entry.seq, new Uint8Array(entry.entry))
    else if (!sameBytes(before, entry.entry))
      this.violate(`${name} holds another ${this.#place(entry)} than was seen before`)
  }

  /** What anybody sees of an author's log would outlive a power cut at the author's. */
  #onDiskOf(name: string, record: Record, { author, seq }: Entry): void {
    const owner = this.#records.get(this.#owners.get(author) ?? '')
    if (owner === undefined) {
      this.violate(`${name} printed an entry of ${author.slice(0, 8)}, who is nobody`)
      return
    }
    if (owner.isLiar) return
    for (const disk of owner === record ? [owner.disk] : [owner.disk, record.disk]) {
      if (this.#safe(disk, author) >= seq) continue
      const whose = disk === owner.disk ? "its author's" : 'the own'
      this.violate(`${name} printed ${this.#place({ author, seq })}, which is not safe on ${whose} disk`)
    }
  }

  /** The last entry of a log that would survive a power cut now. */
  #safe(disk: VirtualDisk, author: AuthorId): Seq {
    let cached = this.#synced.get(disk)
    if (cached?.version !== disk.version) {
      cached = { version: disk.version, last: new Map() }
      this.#synced.set(disk, cached)
    }
    const known = cached.last.get(author)
    if (known !== undefined) return known
    const key = keyOf(author)
    const row = key && disk.lastSynced(segmentRange(key, 0, SEQ_END))
    const last = (row && encodedSegmentIn(row)?.last) ?? 0
    cached.last.set(author, last)
    return last
  }

  #place({ author, seq }: { readonly author: AuthorId; readonly seq: Seq }): string {
    return `${this.#owners.get(author) ?? author.slice(0, 8)}/${seq}`
  }
}

const lineOf = (entry: Uint8Array): string => decodeEntry(entry)?.message ?? ''
