import type { Millis } from '../../base/clock.js'
import { TokenBucket } from '../../base/token-bucket.js'
import type { AuthorId } from '../../log/format/author.js'
import { STATUSES_PER_AUTHOR_PER_SECOND_MAX } from './limits.js'
import type { Present } from './present.js'
import type { ReceivedStatus } from './status-codec.js'

/**
 * Grace period after a lost connection: if no other peer shows by then that the author is alive, the author is gone.
 */
const LOST_MS = 2_000
/**
 * Evidence that is this much newer than the loss of a connection does not stem from that connection: every peer checks its
 * connections more often than this.
 */
const LOST_MARGIN_MS = 6_000
/**
 * Age of the last evidence at which an author is no longer shown: a heartbeat and two digest rounds. Each hop adds one
 * more round.
 */
const FRESH_MS = 35_000
const FRESH_MS_PER_HOP = 5_000

/** What is known of an author who is or was present. All times are by our clock. */
export class KnownAuthor {
  status: ReceivedStatus | undefined
  name = ''
  heardAt: Millis
  hops = 1
  /** End of the status's validity; 0 if there is no valid status. */
  until: Millis = 0
  typingUntil: Millis = 0
  hasLeft = false
  /** Number of our connections to the author. */
  connections = 0
  readonly statuses: TokenBucket
  /** When the last connection was lost, if there is no newer evidence that the author is alive; otherwise 0. */
  #lostAt: Millis = 0
  /** The last evidence that the author is alive, and whether it is recent enough to show them. */
  #aliveAt: Millis = 0
  #isFresh = false
  /** Evidence from before this time is ignored. */
  #notBefore: Millis = 0

  constructor(now: Millis) {
    this.heardAt = now
    this.statuses = new TokenBucket(STATUSES_PER_AUTHOR_PER_SECOND_MAX, now)
  }

  get aliveAt(): Millis {
    return this.#aliveAt
  }

  /** Whether the author is present, with evidence from after the last lost connection. */
  isPresent(now: Millis): boolean {
    return this.until > now && this.#lostAt === 0 && !this.hasLeft && this.#isFresh
  }

  /** The author as the user sees them. */
  present(author: AuthorId, now: Millis): Present {
    const isConnected = this.connections > 0
    const state = this.#state(now)
    return {
      author,
      name: this.name,
      state,
      away: this.status?.state === 'away' && state !== 'left' ? this.status.text : undefined,
      isTyping: state !== 'left' && this.typingUntil > now,
      lastHeardMs: isConnected ? now : this.heardAt,
      hops: isConnected ? 1 : this.hops,
    }
  }

  /** There is evidence that the author was alive at a time. Returns whether that makes them visible again. */
  alive(at: Millis): boolean {
    if (at <= this.#notBefore || at <= this.#aliveAt) return false
    this.#aliveAt = at
    const wasFresh = this.#isFresh
    this.#isFresh = true
    return !wasFresh
  }

  /** The author sent a new status or connected, so they are alive now, even if their last connection was lost. */
  active(now: Millis): void {
    this.#lostAt = 0
    this.#notBefore = 0
    this.alive(now)
  }

  /** The last connection to the author was lost. */
  lost(now: Millis): void {
    this.#lostAt = now
  }

  /** Forgets what is no longer valid. Returns whether that changed anything visible. */
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
    // Setting the clock back must not prolong anyone's presence.
    this.#aliveAt = Math.min(this.#aliveAt, now)
    if (this.#isFresh && this.#freshUntil <= now) {
      this.#isFresh = false
      hasExpired = true
    }
    return hasExpired
  }

  /** When something expires next; infinite if nothing does. */
  get nextAt(): Millis {
    return Math.min(
      this.#lostAt === 0 ? Number.POSITIVE_INFINITY : this.#lostAt + LOST_MS,
      this.until || Number.POSITIVE_INFINITY,
      this.typingUntil || Number.POSITIVE_INFINITY,
      this.#isFresh ? this.#freshUntil : Number.POSITIVE_INFINITY,
    )
  }

  #state(now: Millis): Present['state'] {
    if (this.hasLeft) return 'left'
    if (this.connections > 0) return 'connected'
    return this.until > now && this.#freshUntil > now ? 'indirect' : 'left'
  }

  get #freshUntil(): Millis {
    return this.#aliveAt + FRESH_MS + this.hops * FRESH_MS_PER_HOP
  }
}
