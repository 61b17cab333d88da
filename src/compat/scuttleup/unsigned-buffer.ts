import { HELD_AUTHOR_BYTES_MAX, HELD_LINK_BYTES_MAX } from '../../base/limits.js'
import type { AuthorId, Seq } from '../../log/format/author.js'
import { splitSignature } from '../../log/format/entry.js'
import type { SignedRun } from '../../log/format/segment-plan.js'

/** What it costs to hold an entry, however short it is; counted for the link. */
const HOLDING_BYTES = 128

interface Waiting {
  first: Seq
  entries: Uint8Array[]
  bytes: number
}

/** Entries of signed authors that an original peer passes on: held, within bounds, until a signature comes that vouches for them. */
export class UnsignedBuffer {
  readonly #waiting = new Map<AuthorId, Waiting>()
  #bytes = 0

  /** A run where this entry brings its signature, `held` where it waits, `full` where too much waits already. */
  add(author: AuthorId, seq: Seq, change: Uint8Array): SignedRun | 'held' | 'full' {
    const split = splitSignature(change)
    const entry = split?.entry ?? change
    let waiting = this.#waiting.get(author)
    if (waiting === undefined || waiting.first + waiting.entries.length !== seq) {
      this.drop(author)
      waiting = { first: seq, entries: [], bytes: 0 }
      this.#waiting.set(author, waiting)
    }
    waiting.entries.push(entry)
    waiting.bytes += entry.length
    this.#bytes += entry.length + HOLDING_BYTES
    if (split !== undefined) {
      this.drop(author)
      return { first: waiting.first, entries: waiting.entries, signature: split.signature }
    }
    if (waiting.bytes <= HELD_AUTHOR_BYTES_MAX && this.#bytes <= HELD_LINK_BYTES_MAX) return 'held'
    this.drop(author)
    return 'full'
  }

  drop(author: AuthorId): void {
    const waiting = this.#waiting.get(author)
    if (waiting === undefined) return
    this.#bytes -= waiting.bytes + waiting.entries.length * HOLDING_BYTES
    this.#waiting.delete(author)
  }
}
