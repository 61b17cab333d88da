import type { AuthorId } from '../log/format/author.js'
import { termsOf } from './drafting.js'
import { termName } from './evaluation/operation-log.js'
import type { Term } from './evaluation/term.js'
import type { OperationId } from './format/body.js'
import type { Operation } from './format/operation.js'
import type { Membership } from './membership.js'

/**
 * The operations that prove a term to somebody who knows only the room: a certificate chain, in the order of evaluation. For each
 * term above this one it contains the operations up to the admission that is next in the chain; for the term itself, those up to `last`.
 */
export function evidenceOf(term: Term, last?: OperationId): Operation[] {
  const path: { readonly term: Term; readonly upTo: OperationId | undefined }[] = [{ term, upTo: last }]
  for (let { admission } = term; admission !== undefined; admission = admission.by.admission)
    path.unshift({ term: admission.by, upTo: admission.id })
  return path.flatMap(({ term: each, upTo }) => {
    const operations = each.operations ?? []
    return operations.slice(0, 1 + operations.findIndex(({ id }) => id === upTo))
  })
}

/** The operations that prove that an author is a member; undefined if they are not. */
export function membershipEvidence(membership: Membership, author: AuthorId): Operation[] | undefined {
  const term = membership.members.has(author) ? membership.currentTerm(author) : undefined
  return term && evidenceOf(term)
}

/**
 * The operations that prove to an author that they are out, whichever term they believe they are in: the removals, the leaves that they
 * signed on another machine, and their own operations that still count. Undefined if they are a member, or never were one.
 */
export function endEvidence(membership: Membership, author: AuthorId): Operation[] | undefined {
  if (membership.currentTerm(author) !== undefined) return undefined
  const evidence = distinct(termsOf(membership, author).flatMap(term => endOf(membership, term)))
  return evidence.length === 0 ? undefined : evidence
}

/**
 * Operations that show why `operations` do not count: for each term whose counting branch they leave, that branch from there on; and the
 * operations that ended the terms in which they were signed. They prove to somebody who lacks them that a removal is void.
 */
export function refutationOf(membership: Membership, operations: readonly Operation[]): Operation[] {
  /** The first seq at which the operations leave the branch that counts, by term. */
  const parting = new Map<Term, number>()
  for (const { id, author, term: termId, seq, previous } of operations) {
    const term = membership.terms.get(termName(author, termId))
    const counted = term?.operations?.[seq - 1]
    if (term === undefined || counted?.id === id) continue
    const from = counted?.previous === previous ? seq : Number.POSITIVE_INFINITY
    parting.set(term, Math.min(from, parting.get(term) ?? from))
  }
  return distinct(
    [...parting].flatMap(([term, from]) => [...endOf(membership, term), ...(term.operations?.slice(from - 1) ?? [])]),
  )
}

/** The operations that ended a term: a removal with the branch that it names; otherwise the leave operations of its subject. */
function endOf(membership: Membership, term: Term): Operation[] {
  const [removal] = term.removals
  if (removal !== undefined) {
    const branch = membership.logs.get(termName(term.author, removal.place.term))?.branchTo(removal.place)
    return [...evidenceOf(removal.by, removal.id), ...(branch ?? [])]
  }
  return term.departure === undefined ? [] : [...evidenceOf(term), ...term.departure.proof.flat()]
}

const distinct = (operations: readonly Operation[]): Operation[] => [
  ...new Map(operations.map(operation => [operation.id, operation])).values(),
]
