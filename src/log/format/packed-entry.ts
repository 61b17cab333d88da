import type { Put } from '../store/store.js'
import type { AuthorId, Seq } from './author.js'
import { type Entry, storedHlc } from './entry.js'
import type { Hlc } from './hybrid-clock.js'
import { endOf, startOf } from './packed.js'
import { ENTRIES_AT, signatureIn } from './segment.js'
import { writtenSegments } from './segment-rows.js'

/** The entries in rows of segments that were just written, each made when it is its turn. */
export function* writtenEntries(author: AuthorId, rows: readonly Put[]): Generator<Entry> {
  for (const { first, last, bytes } of writtenSegments(rows)) {
    for (let seq = first, end = ENTRIES_AT; seq <= last; seq++) {
      const start = startOf(bytes, end)
      end = endOf(bytes, end)
      const entry = new PackedEntry(author, seq, bytes, start, end)
      yield seq === last ? Object.assign(entry, { signature: signatureIn(bytes) }) : entry
    }
  }
}

/** An entry where it lies among others: most who append look at no more than its place. Who copies it has to name its members. */
class PackedEntry implements Entry {
  readonly author: AuthorId
  readonly seq: Seq
  readonly #bytes: Uint8Array
  readonly #start: number
  readonly #end: number

  constructor(author: AuthorId, seq: Seq, bytes: Uint8Array, start: number, end: number) {
    this.author = author
    this.seq = seq
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  get at(): Hlc {
    return storedHlc(this.entry)
  }

  get entry(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end)
  }
}
