import type { AuthorId, Seq } from '../format/author.js'
import { PAGE_BYTES_MAX } from './store.js'

/** Segments kept in memory: about as many as the connections to a few peers have in flight. */
export const RECENT_BYTES_MAX = 1024 * 1024

/** A segment in bytes, and the places of its entries. */
export interface PlacedSegment {
  readonly first: Seq
  readonly last: Seq
  readonly bytes: Uint8Array
}

interface Recent extends PlacedSegment {
  readonly author: AuthorId
}

/** The segments that were stored last: who follows what arrives is given them without reading them back. */
export class SegmentCache {
  /** Of each log those that follow each other up to its end. */
  readonly #logs = new Map<AuthorId, Recent[]>()
  /** All of them, in the order in which they came. */
  readonly #order = new Set<Recent>()
  #bytes = 0

  add(author: AuthorId, segments: readonly PlacedSegment[]): void {
    for (const segment of segments) {
      if (this.#logs.get(author)?.at(-1)?.last !== segment.first - 1) this.forget(author)
      const recent = { author, ...segment }
      const log = this.#logs.get(author)
      if (log === undefined) this.#logs.set(author, [recent])
      else log.push(recent)
      this.#order.add(recent)
      this.#bytes += segment.bytes.length
    }
    for (const oldest of this.#order) {
      if (this.#bytes <= RECENT_BYTES_MAX) return
      this.#drop(oldest)
    }
  }

  /** The segments from the one that holds `from` on, and before `to`, as far as a page goes; none where that one is not here. */
  page(author: AuthorId, from: Seq, to: Seq): PlacedSegment[] {
    const log = this.#logs.get(author) ?? []
    const start = from > (log.at(-1)?.last ?? 0) ? -1 : log.findLastIndex(({ first }) => first <= from)
    const page: PlacedSegment[] = []
    for (let index = start, bytes = 0; index !== -1 && index < log.length && bytes < PAGE_BYTES_MAX; index++) {
      const segment = log[index]
      if (segment === undefined || segment.first >= to) break
      page.push(segment)
      bytes += segment.bytes.length
    }
    return page
  }

  /** Of this log what is on disk may be another. */
  forget(author: AuthorId): void {
    for (const recent of this.#logs.get(author) ?? []) {
      this.#order.delete(recent)
      this.#bytes -= recent.bytes.length
    }
    this.#logs.delete(author)
  }

  forgetAll(): void {
    this.#logs.clear()
    this.#order.clear()
    this.#bytes = 0
  }

  #drop(oldest: Recent): void {
    this.#order.delete(oldest)
    this.#bytes -= oldest.bytes.length
    const log = this.#logs.get(oldest.author)
    log?.shift()
    if (log?.length === 0) this.#logs.delete(oldest.author)
  }
}
