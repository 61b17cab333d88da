import type { AuthorId } from '../log/format/author.js'
import type { Hlc } from '../log/format/hybrid-clock.js'
import { allocatePlaces } from './evaluation/allocation.js'
import { Evaluation } from './evaluation/evaluation.js'
import type { Invitation } from './evaluation/invitation-record.js'
import { type OperationLog, type TermName, termName } from './evaluation/operation-log.js'
import type { RemovalIndex } from './evaluation/removal-index.js'
import type { Removal, Term } from './evaluation/term.js'
import { type MembershipWarning, warningsOf } from './evaluation/warnings.js'
import { type ChatPlace, type Erase, type Keep, NO_OPERATION, type TermId } from './format/body.js'
import type { Operation } from './format/operation.js'
import type { Role } from './format/role.js'
import type { PrivateRoom } from './format/room.js'
import { HISTORY_ALL, MEMBERS_MAX } from './limits.js'

export interface Member {
  readonly author: AuthorId
  readonly role: Role
  /** The admitter; undefined for the founder. */
  readonly by: AuthorId | undefined
  /** Time of the admission by the admitter's clock. Undefined for a founder whose first operation is missing. */
  readonly since: number | undefined
}

/** Somebody who was a member. */
export interface FormerMember {
  readonly author: AuthorId
  readonly reason: 'removed' | 'left'
  /** The place up to which their chat counts, by term. */
  readonly chat: ReadonlyMap<TermId, ChatPlace>
}

/**
 * The members of a room, and all other results of its operations: a pure function of the set of operations, independent of their order and
 * of repetitions. docs/protocol/membership.md §9.5.
 */
export class Membership {
  readonly room: PrivateRoom
  /** By author, in the order of their ids. */
  readonly members: ReadonlyMap<AuthorId, Member>
  /** Authors who would be members if the room had more places. */
  readonly waiting: readonly AuthorId[]
  readonly former: ReadonlyMap<AuthorId, FormerMember>
  readonly name: string | undefined
  readonly keep: Keep | undefined
  /** How many earlier lines newcomers are given; HISTORY_ALL for all. */
  readonly history: number
  /** Whether only admins admit. */
  readonly isClosed: boolean
  readonly invitations: readonly Invitation[]
  readonly erasures: readonly { readonly by: AuthorId; readonly body: Erase }[]
  readonly warnings: readonly MembershipWarning[]
  /** The terms that count, the most senior first. */
  readonly terms: ReadonlyMap<TermName, Term>
  /** All operations, by term: also those of terms that do not count. */
  readonly logs: ReadonlyMap<TermName, OperationLog>

  readonly #removals: RemovalIndex
  readonly #current = new Map<AuthorId, Term>()

  constructor(room: PrivateRoom, operations: Iterable<Operation>) {
    const evaluation = new Evaluation(room, operations)
    this.room = room
    this.name = evaluation.name
    this.keep = evaluation.keep
    this.history = evaluation.history ?? HISTORY_ALL
    this.isClosed = evaluation.isClosed
    this.erasures = evaluation.erasures
    this.terms = evaluation.terms
    this.logs = evaluation.logs
    this.#removals = evaluation.removals
    for (const term of evaluation.terms.values())
      if (!term.hasEnded && !this.#current.has(term.author)) this.#current.set(term.author, term)

    const needsPlace = (term: Term): boolean => this.currentTerm(term.author) === term && term.role !== 'rescue'
    const placed = allocatePlaces(evaluation.roots, MEMBERS_MAX, needsPlace)
    const current = [...this.#current.values()]
    this.members = byAuthor([...placed].map(term => memberOf(term, evaluation.openedAt)))
    this.waiting = current
      .filter(term => needsPlace(term) && !placed.has(term))
      .map(({ author }) => author)
      .sort()
    this.former = byAuthor(
      [...formerAuthors(evaluation.terms, this.#current)].map(([, terms]) => formerMemberOf(terms)),
    )
    this.invitations = evaluation.invitations.list(author => this.currentTerm(author))
    this.warnings = warningsOf(evaluation, author => this.currentTerm(author))
  }

  /** The most senior term of an author that has not ended: it determines the role. */
  currentTerm(author: AuthorId): Term | undefined {
    return this.#current.get(author)
  }

  /** The date from which a member is given lines; undefined if they are given all. */
  linesFrom(author: AuthorId): Hlc | undefined {
    return this.#current.get(author)?.admission?.body.linesFrom
  }

  /** The number of earlier lines that a member is given, as their admission says; HISTORY_ALL for all. */
  historyOf(author: AuthorId): number {
    const { linesFrom, history = 0 } = this.#current.get(author)?.admission?.body ?? {}
    return linesFrom === undefined ? HISTORY_ALL : history
  }

  /** The removals of an author that count. */
  removalsOf(author: AuthorId): readonly Removal[] {
    return this.#removals.of(author)
  }

  /**
   * The place up to which the chat of an author counts in the runs of a term; undefined if none of it counts, because they were not
   * admitted. A run belongs to the term that its opening names, or to the first one.
   */
  chatOf(author: AuthorId, term: TermId = NO_OPERATION): ChatPlace | 'all' | undefined {
    const found = this.terms.get(termName(author, term))
    return found === undefined || found.role === 'rescue' ? undefined : (found.chat ?? 'all')
  }
}

const memberOf = ({ author, role, admission }: Term, openedAt: number | undefined): Member => ({
  author,
  role,
  by: admission?.by.author,
  since: admission?.body.time ?? openedAt,
})

/** The terms of authors who have no current term. */
function formerAuthors(
  terms: ReadonlyMap<TermName, Term>,
  current: ReadonlyMap<AuthorId, Term>,
): ReadonlyMap<AuthorId, [Term, ...Term[]]> {
  const former = new Map<AuthorId, [Term, ...Term[]]>()
  for (const term of terms.values()) {
    if (current.has(term.author)) continue
    const known = former.get(term.author)
    if (known === undefined) former.set(term.author, [term])
    else known.push(term)
  }
  return former
}

const formerMemberOf = (terms: readonly [Term, ...Term[]]): FormerMember => ({
  author: terms[0].author,
  reason: terms.some(({ isRemoved }) => isRemoved) ? 'removed' : 'left',
  chat: new Map(terms.map(({ id, chat }) => [id, chat ?? []])),
})

function byAuthor<T extends { readonly author: AuthorId }>(items: readonly T[]): Map<AuthorId, T> {
  const sorted = [...items].sort((a, b) => (a.author < b.author ? -1 : 1))
  return new Map(sorted.map(item => [item.author, item]))
}
