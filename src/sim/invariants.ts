import { hexOf } from '../base/bytes.js'
import type { AuthorId, Seq } from '../log/author.js'
import { decodeEntry, type Entry } from '../log/entry.js'
import { signedHeadKey, storedHead } from '../log/segment-rows.js'
import type { MemoryDisk } from './memory-disk.js'

/** What one reader of one process was shown, author by author. */
export type Shown = Map<AuthorId, Seq>

/** What the judge knows of one machine. */
interface Record {
  readonly author: AuthorId
  readonly disk: MemoryDisk
  /** How far each log was shown to its user, by whichever of its processes. */
  readonly held: Map<AuthorId, Seq>
  /** Lines of which its user was told that they are on disk. */
  readonly acknowledged: Set<string>
}

/** Watches a run, and says what must never be. It believes the disks, not the programs. */
export class Judge {
  readonly violations: string[] = []
  readonly #records = new Map<string, Record>()
  readonly #owners = new Map<AuthorId, string>()
  /** What stood at a place when it was first seen by anybody. */
  readonly #entries = new Map<string, string>()

  register(name: string, author: AuthorId, disk: MemoryDisk): void {
    this.#records.set(name, { author, disk, held: new Map(), acknowledged: new Set() })
    this.#owners.set(author, name)
  }

  /** A live reader of `name` was given an entry. */
  shown(name: string, reader: Shown, entry: Entry): void {
    const { author, seq } = entry
    const last = reader.get(author) ?? 0
    if (seq <= last) this.#violate(`${name} printed ${this.#place(entry)} twice`)
    if (seq > last + 1) this.#violate(`${name} printed ${this.#place(entry)} and not entry ${last + 1} before it`)
    reader.set(author, Math.max(last, seq))
    this.#same(name, entry)
    const held = this.#records.get(name)?.held
    held?.set(author, Math.max(held.get(author) ?? 0, seq))
    this.#onDiskOf(name, entry)
  }

  /** `name` was told that what it said is on disk. */
  acknowledged(name: string, line: string): void {
    this.#records.get(name)?.acknowledged.add(line)
  }

  /** All that `name` holds, as it is read after a start or at the end. */
  holds(name: string, entries: readonly Entry[]): void {
    const record = this.#records.get(name)
    const last: Shown = new Map()
    const lines = new Map<string, number>()
    for (const entry of entries) {
      const { author, seq } = entry
      if (seq !== (last.get(author) ?? 0) + 1) this.#violate(`${name} holds ${this.#place(entry)} behind a hole`)
      last.set(author, seq)
      this.#same(name, entry)
      if (author !== record?.author) continue
      const line = decodeEntry(entry.entry)?.message ?? ''
      lines.set(line, (lines.get(line) ?? 0) + 1)
    }
    for (const [author, seq] of record?.held ?? []) {
      const now = last.get(author) ?? 0
      if (now < seq) this.#violate(`${name} held ${this.#place({ author, seq })} and now ends at ${now}`)
    }
    for (const line of record?.acknowledged ?? [])
      if (!lines.has(line)) this.#violate(`${name} has lost "${line}", which was acknowledged`)
    for (const [line, count] of lines) if (count > 1) this.#violate(`${name} holds its own "${line}" ${count} times`)
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
        this.#violate(`${other.name} has another history than ${first?.name}, from its line ${index + 1} on`)
    }
  }

  /** The same place always holds the same entry. */
  #same(name: string, entry: Entry): void {
    const place = `${entry.author}/${entry.seq}`
    const bytes = hexOf(entry.entry)
    const before = this.#entries.get(place)
    if (before === undefined) this.#entries.set(place, bytes)
    else if (before !== bytes) this.#violate(`${name} holds another ${this.#place(entry)} than was seen before`)
  }

  /** What anybody sees of an author's log would outlive a power cut at the author's. */
  #onDiskOf(name: string, { author, seq }: Entry): void {
    const owner = this.#records.get(this.#owners.get(author) ?? '')
    if (owner === undefined) {
      this.#violate(`${name} printed an entry of ${author.slice(0, 8)}, who is nobody`)
      return
    }
    const key = signedHeadKey(author)
    for (const disk of new Set([owner.disk, this.#records.get(name)?.disk])) {
      const value = disk?.syncedValue(key)
      const head = value && storedHead([key, value])
      if ((head?.seq ?? 0) >= seq) continue
      const whose = disk === owner.disk ? "its author's" : 'the own'
      this.#violate(`${name} printed ${this.#place({ author, seq })}, which is not safe on ${whose} disk`)
    }
  }

  #place({ author, seq }: { readonly author: AuthorId; readonly seq: Seq }): string {
    return `${this.#owners.get(author) ?? author.slice(0, 8)}/${seq}`
  }

  #violate(line: string): void {
    this.violations.push(line)
  }
}
