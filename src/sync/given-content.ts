import { givenOf, isAllGiven } from '../log/content/given.js'
import type { AuthorId, LogId } from '../log/format/author.js'
import type { Hlc } from '../log/format/hybrid-clock.js'
import { decodeSegment, encodeSegment, logOfSegment, type Segment } from '../log/format/segment.js'

/** Replaces content by stubs if the peer is not given it. All content that is sent to the peer passes through here. */
export class GivenContent {
  readonly #peer: AuthorId | undefined
  readonly #from: () => Hlc | undefined

  constructor(peer: AuthorId | undefined, from: () => Hlc | undefined = () => undefined) {
    this.#peer = peer
    this.#from = from
  }

  /** Packed entries, which are consecutive. */
  entries(log: LogId, entries: readonly Uint8Array[]): readonly Uint8Array[] {
    const from = this.#from()
    return isAllGiven(log, this.#peer, from) ? entries : givenOf(entries, from)
  }

  segment(segment: Segment): Segment {
    return { ...segment, entries: this.entries(logOfSegment(segment), segment.entries) }
  }

  /** Segments of one log as they are stored. */
  segments(log: LogId, stored: readonly Uint8Array[]): readonly Uint8Array[] {
    if (isAllGiven(log, this.#peer, this.#from())) return stored
    return stored.flatMap(bytes => {
      const segment = decodeSegment(bytes)
      return segment === undefined ? [] : [encodeSegment(this.segment(segment))]
    })
  }
}
