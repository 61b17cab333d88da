import type { AuthorId } from '../../log/format/author.js'
import type { Admit, ChatPlace, OperationId, OperationPlace, TermId } from '../format/body.js'
import type { Operation } from '../format/operation.js'
import type { Role } from '../format/role.js'
import {
  ANSWERS_MAX,
  GUESTS_MAX,
  HOST_GUESTS_DEFAULT,
  HOST_OPERATIONS_MAX,
  MEMBER_OPERATIONS_MAX,
  OPERATIONS_MAX,
} from '../limits.js'
import { type Departure, departureFrom } from './departure.js'
import type { OperationLog } from './operation-log.js'
import { isSenior, type Rank } from './rank.js'

/** An operation that admits somebody, and the term in which it was signed. */
export interface Admission {
  readonly id: OperationId
  readonly by: Term
  readonly body: Admit
}

/** A removal that counts. */
export interface Removal {
  readonly id: OperationId
  readonly by: Term
  readonly place: OperationPlace
  readonly chat: ChatPlace
}

/** The beginning of a term: an admission that counts. The founder and the rescue key have a term without an admission. */
export interface TermStart {
  readonly author: AuthorId
  readonly id: TermId
  readonly rank: Rank
  readonly admission: Admission | undefined
}

/** How many operations of a log count. */
export function operationsMax(role: Role): number {
  if (role === 'member') return MEMBER_OPERATIONS_MAX
  return role === 'host' ? HOST_OPERATIONS_MAX : OPERATIONS_MAX
}

/**
 * The operations and chat of one key in a room from an admission on, until a removal or a leave ends the term. docs/protocol/membership.md
 * §9.5.
 */
export class Term implements TermStart {
  readonly author: AuthorId
  readonly id: TermId
  readonly rank: Rank
  readonly admission: Admission | undefined
  readonly log: OperationLog
  /** Whether a removal ended this term. */
  readonly isRemoved: boolean
  /** The removal that names the end of this log. If several do, the one by the most senior author. */
  readonly decidingRemoval: Removal | undefined
  readonly departure: Departure | undefined
  /** If the log forks and its term has not ended: the first operation of the branch that does not count. */
  readonly fork: Operation | undefined
  /** The operations that count; undefined if some of them are missing. */
  readonly operations: readonly Operation[] | undefined
  /** The terms that it admitted, the most senior first. */
  readonly guests: Term[] = []
  /** Number of guests whose term has not ended. */
  presentGuests = 0
  /** Number of terms below its guests in the tree of admissions, plus the number of their operations that count. */
  below = 0

  readonly #known: readonly Removal[]
  /** Removals added to `#known` after the evaluation are by juniors, and do not affect this term. */
  readonly #knownCount: number

  /**
   * `known`: all removals of this key that count. `naming`: the removals that name a place in this log. Both start with the most senior
   * author's, and are complete: only seniors can remove this term, and they were evaluated before it.
   */
  constructor(
    { author, id, rank, admission }: TermStart,
    log: OperationLog,
    known: readonly Removal[],
    naming: readonly Removal[],
  ) {
    this.author = author
    this.id = id
    this.rank = rank
    this.admission = admission
    this.log = log
    this.#known = known
    this.#knownCount = known.length
    // An admission answers at most ANSWERS_MAX removals, so checking one more is enough.
    this.isRemoved = known.slice(0, ANSWERS_MAX + 1).some(removal => !this.#answers(removal))
    this.decidingRemoval = naming.find(removal => !this.#answers(removal))
    this.departure = departureFrom(log, operationsMax(rank.role))
    const branch = log.defaultBranch(operationsMax(rank.role))
    this.fork = this.hasEnded ? undefined : branch.fork
    this.operations = this.hasEnded ? this.#operationsBeforeEnd() : branch.operations
  }

  get role(): Role {
    return this.rank.role
  }

  get hasEnded(): boolean {
    return this.isRemoved || this.departure !== undefined
  }

  /** The removals that ended this term. */
  get removals(): Removal[] {
    return this.#known.slice(0, this.#knownCount).filter(removal => !this.#answers(removal))
  }

  /** The place up to which the author's chat in this term counts; undefined if all of it counts. */
  get chat(): ChatPlace | undefined {
    if (this.isRemoved) return this.decidingRemoval?.chat ?? []
    return this.departure?.chat
  }

  get guestsMax(): number {
    if (this.role === 'member') return 0
    return this.role === 'host' ? (this.admission?.body.guests ?? HOST_GUESTS_DEFAULT) : GUESTS_MAX
  }

  /** Whether the admission answers a removal. Only the term that signed the removal, and its seniors, can answer it. */
  #answers(removal: Removal): boolean {
    if (!this.admission?.body.answers?.includes(removal.id)) return false
    const { by } = this.admission
    return by === removal.by || isSenior(by.rank, removal.by.rank)
  }

  #operationsBeforeEnd(): readonly Operation[] | undefined {
    if (!this.isRemoved) return this.departure?.operations
    const place = this.decidingRemoval?.place
    if (place === undefined) return []
    return place.seq > operationsMax(this.role) ? undefined : this.log.branchTo(place)
  }
}
