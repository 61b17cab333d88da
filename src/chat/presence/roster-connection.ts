import type { Millis } from '../../base/clock.js'
import { TokenBucket } from '../../base/token-bucket.js'
import type { AuthorId } from '../../log/format/author.js'
import { DigestReader, DigestWriter } from './digest-codec.js'
import { DIGESTS_PER_SECOND_MAX, STATUSES_PER_SECOND_MAX } from './limits.js'

/** The peer at the other end of a connection. */
export interface ConnectedPeer {
  /** Undefined for a scuttleup peer. */
  readonly author: AuthorId | undefined
  readonly name: string
  /** How far its clock is ahead of ours. */
  readonly aheadMs: Millis
  /** Bytes received over the connection so far: the peer is alive when the number grows. */
  readonly bytesRead: () => number
}

/** The roster's state of a connection: its rates, and the digests that were sent and received. */
export class RosterConnection {
  readonly author: AuthorId | undefined
  readonly name: string
  readonly aheadMs: Millis
  readonly statuses: TokenBucket
  readonly answers: TokenBucket
  readonly digests: TokenBucket
  readonly writer = new DigestWriter()
  readonly reader = new DigestReader()
  readonly #bytesRead: () => number
  #lastBytesRead: number

  constructor({ author, name, aheadMs, bytesRead }: ConnectedPeer, now: Millis) {
    this.author = author
    this.name = name
    this.aheadMs = aheadMs
    this.statuses = new TokenBucket(STATUSES_PER_SECOND_MAX, now)
    this.answers = new TokenBucket(STATUSES_PER_SECOND_MAX, now)
    this.digests = new TokenBucket(DIGESTS_PER_SECOND_MAX, now)
    this.#bytesRead = bytesRead
    this.#lastBytesRead = bytesRead()
  }

  /** Whether bytes arrived since the last call. */
  hasNewBytes(): boolean {
    const bytesRead = this.#bytesRead()
    const isNew = bytesRead !== this.#lastBytesRead
    this.#lastBytesRead = bytesRead
    return isNew
  }
}
