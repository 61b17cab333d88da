import type { LogId, Seq } from '../format/author.js'
import { PAGE_BYTES_MAX } from './store.js'

/** Memory for segments: about as many bytes as are in flight on the connections to a few peers. */
export const RECENT_BYTES_MAX = 1024 * 1024

/** Estimated memory of a segment besides its bytes. */
const OVERHEAD_BYTES = 256

/** An encoded segment with its first and last seq. */
export interface EncodedSegment {
  readonly first: Seq
  readonly last: Seq
  readonly bytes: Uint8Array
}

interface CachedSegment extends EncodedSegment {
  readonly author: LogId
}

/** The segments stored last, so that connections that follow new entries need no reads from disk. */
export class SegmentCache {
  /** The cached segments of each log, without gaps up to its end. */
  readonly #logs = new Map<LogId, CachedSegment[]>()
  /** All cached segments, oldest first. */
  readonly #order = new Set<CachedSegment>()
  #bytes = 0

  add(author: LogId, segments: readonly EncodedSegment[]): void {
    for (const segment of segments) {
      if (this.#logs.get(author)?.at(-1)?.last !== segment.first - 1) this.forget(author)
      const cached = { author, ...segment, bytes: compact(segment.bytes) }
      const log = this.#logs.get(author)
      if (log === undefined) this.#logs.set(author, [cached])
      else log.push(cached)
      this.#order.add(cached)
      this.#bytes += sizeOf(segment)
    }
    for (const oldest of this.#order) {
      if (this.#bytes <= RECENT_BYTES_MAX) return
      this.#drop(oldest)
    }
  }

  /** One page of segments before `to`, starting with the segment that contains entry `from`; empty if that segment is not cached. */
  page(author: LogId, from: Seq, to: Seq): EncodedSegment[] {
    const log = this.#logs.get(author) ?? []
    const start = from > (log.at(-1)?.last ?? 0) ? -1 : log.findLastIndex(({ first }) => first <= from)
    const page: EncodedSegment[] = []
    for (let index = start, bytes = 0; index !== -1 && index < log.length && bytes < PAGE_BYTES_MAX; index++) {
      const segment = log[index]
      if (segment === undefined || segment.first >= to) break
      page.push(segment)
      bytes += segment.bytes.length
    }
    return page
  }

  /** Drops a log whose rows on disk may have changed. */
  forget(author: LogId): void {
    for (const cached of this.#logs.get(author) ?? []) {
      this.#order.delete(cached)
      this.#bytes -= sizeOf(cached)
    }
    this.#logs.delete(author)
  }

  forgetAll(): void {
    this.#logs.clear()
    this.#order.clear()
    this.#bytes = 0
  }

  #drop(oldest: CachedSegment): void {
    this.#order.delete(oldest)
    this.#bytes -= sizeOf(oldest)
    const log = this.#logs.get(oldest.author)
    log?.shift()
    if (log?.length === 0) this.#logs.delete(oldest.author)
  }
}

const sizeOf = ({ bytes }: EncodedSegment): number => bytes.length + OVERHEAD_BYTES

/** Copies bytes that would keep a larger buffer in memory: the read buffer of a socket, or the buffer pool of Node.js. */
const compact = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer.byteLength > 2 * bytes.length ? new Uint8Array(bytes) : bytes
