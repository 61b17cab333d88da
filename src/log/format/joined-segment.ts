import { bufferOf } from '../../base/wire/bytes.js'
import { SEGMENT_BYTES_MAX } from '../limits.js'
import type { EncodedSegment } from '../store/segment-cache.js'
import type { Seq } from './author.js'
import { COUNT_AT, ENTRIES_AT, SIGNATURE_AT, signatureIn } from './segment.js'

/**
 * Consecutive encoded segments joined into one, under the last signature. Each segment is copied as it is added, so that a log with one row
 * per entry is joined without keeping its rows in memory.
 */
export class JoinedSegment implements EncodedSegment {
  readonly first: Seq
  readonly #start: Uint8Array
  /** The joined segments except for count and signature; undefined while there is only one segment. */
  #joined: Buffer | undefined
  #end: number
  #latest: EncodedSegment

  constructor(segment: EncodedSegment) {
    this.first = segment.first
    this.#start = segment.bytes
    this.#end = segment.bytes.length
    this.#latest = segment
  }

  get last(): Seq {
    return this.#latest.last
  }

  /** Adds the next segment; false if it is not the next one or does not fit. */
  add(segment: EncodedSegment): boolean {
    const end = this.#end + segment.bytes.length - ENTRIES_AT
    if (segment.first !== this.last + 1 || end > SEGMENT_BYTES_MAX) return false
    this.#joined ??= this.#copyOfStart()
    bufferOf(segment.bytes).copy(this.#joined, this.#end, ENTRIES_AT)
    this.#end = end
    this.#latest = segment
    return true
  }

  get bytes(): Uint8Array {
    if (this.#joined === undefined) return this.#start
    this.#joined.writeUInt16BE(this.last - this.first + 1, COUNT_AT)
    this.#joined.set(signatureIn(this.#latest.bytes), SIGNATURE_AT)
    return this.#joined.subarray(0, this.#end)
  }

  #copyOfStart(): Buffer {
    const copy = Buffer.allocUnsafeSlow(SEGMENT_BYTES_MAX)
    copy.set(this.#start)
    return copy
  }
}
