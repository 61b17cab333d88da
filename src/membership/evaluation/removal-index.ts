import type { AuthorId } from '../../log/format/author.js'
import type { TermId } from '../format/body.js'
import { type TermName, termName } from './operation-log.js'
import type { Removal } from './term.js'

/** The removals that count, in the order of evaluation: removals by the most senior author first. */
export class RemovalIndex {
  readonly #bySubject = new Map<AuthorId, Removal[]>()
  readonly #byNamedTerm = new Map<TermName, Removal[]>()

  /**
   * Of the removals by one term that name the same term of the subject, only the first counts: a later one cannot move the place at
   * which that term ends.
   */
  add(subject: AuthorId, removal: Removal): void {
    const name = termName(subject, removal.place.term)
    const naming = this.#byNamedTerm.get(name) ?? []
    if (naming.some(({ by }) => by === removal.by)) return
    naming.push(removal)
    this.#byNamedTerm.set(name, naming)
    const known = this.#bySubject.get(subject)
    if (known === undefined) this.#bySubject.set(subject, [removal])
    else known.push(removal)
  }

  of(subject: AuthorId): readonly Removal[] {
    return this.#bySubject.get(subject) ?? []
  }

  /** The removals of a subject that name a place in one of their terms. */
  naming(subject: AuthorId, term: TermId): readonly Removal[] {
    return this.#byNamedTerm.get(termName(subject, term)) ?? []
  }
}
