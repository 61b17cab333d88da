import type { Millis } from '../../base/clock.js'
import { TokenBucket } from '../../base/token-bucket.js'
import { STATUSES_PER_AUTHOR_PER_SECOND_MAX } from './limits.js'
import type { ReceivedStatus } from './status-codec.js'

/** How long somebody has to say by way of others that he is there still, after a link with him was lost. */
const LOST_MS = 2_000
/** Evidence this much later than the loss of a link cannot stem from that link: others poll theirs more often than this. */
const LOST_MARGIN_MS = 6_000
/** How old the last evidence of life may be: a heartbeat and two rounds over all links, and one round more for each link between. */
const FRESH_MS = 35_000
const FRESH_HOP_MS = 5_000

/** What is known of an author who is or was present. Times are by the own clock. */
export class KnownAuthor {
  status: ReceivedStatus | undefined
  name = ''
  heardAt: Millis
  hops = 1
  /** Until when the status holds; 0 where none does. */
  until: Millis = 0
  typingUntil: Millis = 0
  hasLeft = false
  /** How many links lead to him. */
  connections = 0
  readonly allowance: TokenBucket
  /** Since when a link with him is lost, and nothing was heard of him; 0 where that is not so. */
  #lostAt: Millis = 0
  /** The last evidence of life, and whether it is recent enough for him to be shown. */
  #aliveAt: Millis = 0
  #isFresh = false
  /** Evidence from before this does not count. */
  #notBefore: Millis = 0

  constructor(now: Millis) {
    this.heardAt = now
    this.allowance = new TokenBucket(STATUSES_PER_AUTHOR_PER_SECOND_MAX, now)
  }

  get aliveAt(): Millis {
    return this.#aliveAt
  }

  /** Linked with this peer; heard of through others; or not there any more. */
  state(now: Millis): 'linked' | 'heard' | 'left' {
    if (this.hasLeft) return 'left'
    if (this.connections > 0) return 'linked'
    return this.until > now && this.#freshUntil > now ? 'heard' : 'left'
  }

  /** Whether he is there, and no link with him was lost since he was heard of. */
  isPresent(now: Millis): boolean {
    return this.until > now && this.#lostAt === 0 && !this.hasLeft && this.#isFresh
  }

  /** There is evidence that he was alive at a time. Gives whether he is shown again by that. */
  alive(at: Millis): boolean {
    if (at <= this.#notBefore || at <= this.#aliveAt) return false
    this.#aliveAt = at
    const wasFresh = this.#isFresh
    this.#isFresh = true
    return !wasFresh
  }

  /** He said something himself, or a link with him opened: whatever was lost before, he is alive now. */
  active(now: Millis): void {
    this.#lostAt = 0
    this.#notBefore = 0
    this.alive(now)
  }

  /** The last link with him broke. */
  lost(now: Millis): void {
    this.#lostAt = now
  }

  /** What holds no longer is forgotten. Gives whether anything was. */
  expire(now: Millis): boolean {
    let hasExpired = false
    if (this.typingUntil !== 0 && this.typingUntil <= now) {
      this.typingUntil = 0
      hasExpired = true
    }
    if (this.until !== 0 && this.until <= now) {
      this.until = 0
      hasExpired = true
    }
    if (this.#lostAt !== 0 && this.#lostAt + LOST_MS <= now) {
      this.#notBefore = this.#lostAt + LOST_MARGIN_MS
      this.#lostAt = 0
      this.#aliveAt = 0
    }
    // Setting the clock back keeps nobody alive.
    this.#aliveAt = Math.min(this.#aliveAt, now)
    if (this.#isFresh && this.#freshUntil <= now) {
      this.#isFresh = false
      hasExpired = true
    }
    return hasExpired
  }

  /** When something will hold no longer; infinite where nothing holds. */
  get nextAt(): Millis {
    return Math.min(
      this.#lostAt === 0 ? Number.POSITIVE_INFINITY : this.#lostAt + LOST_MS,
      this.until || Number.POSITIVE_INFINITY,
      this.typingUntil || Number.POSITIVE_INFINITY,
      this.#isFresh ? this.#freshUntil : Number.POSITIVE_INFINITY,
    )
  }

  /** Until when he is shown on the evidence that there is. */
  get #freshUntil(): Millis {
    return this.#aliveAt + FRESH_MS + this.hops * FRESH_HOP_MS
  }
}
