import type { LogId, Seq } from '../../log/format/author.js'
import { fromProjected } from '../../log/format/entry.js'
import { packEntry } from '../../log/format/packed.js'
import type { SignedRun } from '../../log/format/segment-plan.js'
import { BUFFERED_AUTHOR_BYTES_MAX, BUFFERED_CONNECTION_BYTES_MAX } from './limits.js'

/** Estimated memory of an entry besides its bytes; counts towards the limit of the connection. */
const OVERHEAD_BYTES = 128

interface Buffered {
  readonly first: Seq
  readonly entries: Uint8Array[]
  bytes: number
}

/** Buffers entries of signed authors that a scuttleup peer relays, until an entry arrives with the signature that covers them all. */
export class UnsignedBuffer {
  readonly #authors = new Map<LogId, Buffered>()
  #bytes = 0

  /**
   * Returns the run that the entry completes with its signature; `buffered` if it has none; `no-salt` if it does not have the form of a
   * signed author's entry; `full` if the author's entries were dropped because too much was buffered. An entry that does not continue the
   * buffered entries replaces them.
   */
  add(author: LogId, seq: Seq, received: Uint8Array): SignedRun | 'buffered' | 'no-salt' | 'full' {
    const projected = fromProjected(received)
    if (projected === undefined) return 'no-salt'
    const { salt, signature } = projected
    const entry = packEntry(salt, projected.entry)
    let buffered = this.#authors.get(author)
    if (buffered === undefined || buffered.first + buffered.entries.length !== seq) {
      this.drop(author)
      buffered = { first: seq, entries: [], bytes: 0 }
      this.#authors.set(author, buffered)
    }
    buffered.entries.push(entry)
    buffered.bytes += entry.length
    this.#bytes += entry.length + OVERHEAD_BYTES
    if (signature !== undefined) {
      this.drop(author)
      return { first: buffered.first, entries: buffered.entries, signature }
    }
    if (buffered.bytes <= BUFFERED_AUTHOR_BYTES_MAX && this.#bytes <= BUFFERED_CONNECTION_BYTES_MAX) return 'buffered'
    this.drop(author)
    return 'full'
  }

  drop(author: LogId): void {
    const buffered = this.#authors.get(author)
    if (buffered === undefined) return
    this.#bytes -= buffered.bytes + buffered.entries.length * OVERHEAD_BYTES
    this.#authors.delete(author)
  }
}
