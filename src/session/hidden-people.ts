import type { AuthorId } from '../log/format/author.js'

/** The authors whose messages a user does not see. Some were hidden along with another author. */
export class HiddenPeople {
  readonly #hidden: Set<AuthorId>
  /** Companions, each with the author whom the user named. */
  readonly #with: Map<AuthorId, AuthorId>

  constructor(hidden: Iterable<AuthorId>, companions: Iterable<readonly [AuthorId, AuthorId]> = []) {
    this.#hidden = new Set(hidden)
    this.#with = new Map([...companions].filter(([companion]) => this.#hidden.has(companion)))
  }

  get all(): ReadonlySet<AuthorId> {
    return this.#hidden
  }

  /** The hidden people whom the user named. */
  get named(): readonly AuthorId[] {
    return [...this.#hidden].filter(author => !this.#with.has(author))
  }

  get companions(): ReadonlyMap<AuthorId, AuthorId> {
    return this.#with
  }

  has(author: AuthorId): boolean {
    return this.#hidden.has(author)
  }

  hide(author: AuthorId): void {
    this.#hidden.add(author)
    this.#with.delete(author)
  }

  /** Hides somebody together with an author. False if they are hidden already. */
  hideWith(author: AuthorId, companion: AuthorId): boolean {
    if (this.#hidden.has(companion)) return false
    this.#hidden.add(companion)
    this.#with.set(companion, author)
    return true
  }

  companionsOf(author: AuthorId): readonly AuthorId[] {
    return [...this.#with].flatMap(([companion, leader]) => (leader === author ? [companion] : []))
  }

  /** Shows an author again, and everybody who was hidden with them. Returns the number of others. */
  show(author: AuthorId): number {
    const companions = this.companionsOf(author)
    for (const one of [author, ...companions]) {
      this.#hidden.delete(one)
      this.#with.delete(one)
    }
    return companions.length
  }
}
