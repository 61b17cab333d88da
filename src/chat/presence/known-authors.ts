import type { Millis } from '../../base/clock.js'
import type { AuthorId } from '../../log/format/author.js'
import { type ShortKey, shortKeyOfAuthor } from './digest-codec.js'
import { KnownAuthor } from './known-author.js'
import { STATUSES_MAX } from './limits.js'

/** Absent authors that are remembered. */
const LEFT_MAX = 64

/** The authors that are or were present: at most STATUSES_MAX. */
export class KnownAuthors {
  readonly #hasWritten: (author: AuthorId) => boolean
  readonly #authors = new Map<AuthorId, KnownAuthor>()
  readonly #byShortKey = new Map<ShortKey, AuthorId>()

  /** `hasWritten`: whether an author has written in the room. Others are evicted first. */
  constructor(hasWritten: (author: AuthorId) => boolean) {
    this.#hasWritten = hasWritten
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
    return hasExpired
  }

  /** When something expires next; infinite if nothing does. */
  get nextAt(): Millis {
    let next = Number.POSITIVE_INFINITY
    for (const known of this.#authors.values()) next = Math.min(next, known.nextAt)
    return next
  }

  /** Keeps the LEFT_MAX absent authors who were alive last. */
  forgetAbsent(): void {
    const absent = [...this.#authors]
      .filter(([, { until, connections }]) => until === 0 && connections === 0)
      .sort(([, a], [, b]) => b.heardAt - a.heardAt)
    for (const [author] of absent.slice(LEFT_MAX)) this.#delete(author)
  }

  /** Evicts an author who is not connected: preferably one who has written nothing, and of these the one who was alive longest ago. */
  #evictOne(): void {
    let worst: { readonly author: AuthorId; readonly hasWritten: boolean; readonly heardAt: Millis } | undefined
    for (const [author, { heardAt, connections }] of this.#authors) {
      if (connections > 0) continue
      const hasWritten = this.#hasWritten(author)
      const isWorse =
        worst === undefined || (hasWritten === worst.hasWritten ? heardAt < worst.heardAt : worst.hasWritten)
      if (isWorse) worst = { author, hasWritten, heardAt }
    }
    if (worst !== undefined) this.#delete(worst.author)
  }

  #delete(author: AuthorId): void {
    this.#authors.delete(author)
    this.#byShortKey.delete(shortKeyOfAuthor(author))
  }
}
