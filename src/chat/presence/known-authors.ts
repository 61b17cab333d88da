import type { Millis } from '../../base/clock.js'
import type { AuthorId } from '../../log/format/author.js'
import { type ShortKey, shortKeyOfAuthor } from './digest-codec.js'
import { KnownAuthor } from './known-author.js'
import { STATUSES_MAX } from './limits.js'

/** Largest number of absent people that are remembered. */
const LEFT_MAX = 64
/** How long an absent stranger is remembered. */
const STRANGER_MS: Millis = 60_000

export interface Standing {
  /** Whether the user knows an author. Strangers are evicted first, and forgotten a minute after they left. */
  readonly isKnown: (author: AuthorId) => boolean
  /** Whether an author has written in the room. Strangers who have not are evicted before those who have. */
  readonly hasWritten: (author: AuthorId) => boolean
}

/** The authors that are or were present: at most STATUSES_MAX. */
export class KnownAuthors {
  readonly #standing: Standing
  readonly #authors = new Map<AuthorId, KnownAuthor>()
  readonly #byShortKey = new Map<ShortKey, AuthorId>()

  constructor(standing: Standing) {
    this.#standing = standing
  }

  [Symbol.iterator](): IterableIterator<[AuthorId, KnownAuthor]> {
    return this.#authors[Symbol.iterator]()
  }

  get(author: AuthorId): KnownAuthor | undefined {
    return this.#authors.get(author)
  }

  byShortKey(key: ShortKey): KnownAuthor | undefined {
    const author = this.#byShortKey.get(key)
    return author === undefined ? undefined : this.#authors.get(author)
  }

  getOrCreate(author: AuthorId, now: Millis): KnownAuthor {
    let known = this.#authors.get(author)
    if (known === undefined) {
      if (this.#authors.size >= STATUSES_MAX) this.#evictOne()
      known = new KnownAuthor(now)
      this.#authors.set(author, known)
      this.#byShortKey.set(shortKeyOfAuthor(author), author)
    }
    return known
  }

  /** Expires what is no longer valid, and forgets absent authors. Returns whether anything visible changed. */
  expire(now: Millis): boolean {
    let hasExpired = false
    for (const known of this.#authors.values()) hasExpired = known.expire(now) || hasExpired
    if (hasExpired) this.forgetAbsent()
    return this.#forgetStrangers(now) || hasExpired
  }

  /** When something expires next; infinite if nothing does. */
  get nextAt(): Millis {
    let next = Number.POSITIVE_INFINITY
    for (const [author, known] of this.#authors) {
      next = Math.min(next, known.nextAt)
      if (isAbsent(known) && !this.#standing.isKnown(author)) next = Math.min(next, known.heardAt + STRANGER_MS)
    }
    return next
  }

  /** Keeps the LEFT_MAX absent authors who were alive last. */
  forgetAbsent(): void {
    const absent = [...this.#authors]
      .filter(([, known]) => isAbsent(known))
      .sort(([, a], [, b]) => b.heardAt - a.heardAt)
    for (const [author] of absent.slice(LEFT_MAX)) this.#delete(author)
  }

  /** Forgets strangers who have been absent for STRANGER_MS. Returns whether anybody was forgotten. */
  #forgetStrangers(now: Millis): boolean {
    let hasForgotten = false
    for (const [author, known] of this.#authors) {
      if (!isAbsent(known) || now < known.heardAt + STRANGER_MS || this.#standing.isKnown(author)) continue
      this.#delete(author)
      hasForgotten = true
    }
    return hasForgotten
  }

  /**
   * Evicts an author who is not connected: a stranger who has written nothing; if there is none, another stranger; if
   * there is none, a known person. Of several, evicts the one heard from least recently.
   */
  #evictOne(): void {
    let worst: { readonly author: AuthorId; readonly rank: number; readonly heardAt: Millis } | undefined
    for (const [author, { heardAt, connections }] of this.#authors) {
      if (connections > 0) continue
      const rank = this.#standing.isKnown(author) ? 2 : this.#standing.hasWritten(author) ? 1 : 0
      const isWorse = worst === undefined || (rank === worst.rank ? heardAt < worst.heardAt : rank < worst.rank)
      if (isWorse) worst = { author, rank, heardAt }
    }
    if (worst !== undefined) this.#delete(worst.author)
  }

  #delete(author: AuthorId): void {
    this.#authors.delete(author)
    this.#byShortKey.delete(shortKeyOfAuthor(author))
  }
}

const isAbsent = ({ until, connections }: KnownAuthor): boolean => until === 0 && connections === 0
