import type { AuthorId } from '../log/format/author.js'
import { termsOf } from './drafting.js'
import { termName } from './evaluation/operation-log.js'
import type { Term } from './evaluation/term.js'
import type { OperationId } from './format/body.js'
import type { Operation } from './format/operation.js'
import type { Membership } from './membership.js'

/**
 * The operations that prove a term to somebody who knows only the room: a certificate chain, in the order of evaluation. From each
 * term above it, the operations up to the next admission of the chain; from the term itself, those up to `last`.
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
 * The operations that prove to an author that they are out, whichever term they believe they are in: the removals, and leaves that they
 * signed on another machine; with their own operations that still count. Undefined if they are a member, or never were one.
 */
export function endEvidence(membership: Membership, author: AuthorId): Operation[] | undefined {
  if (membership.currentTerm(author) !== undefined) return undefined
  const evidence = new Map<OperationId, Operation>()
  const add = (operations: readonly Operation[]): void => {
    for (const operation of operations) evidence.set(operation.id, operation)
  }
  for (const term of termsOf(membership, author)) {
    const [removal] = term.removals
    if (removal !== undefined) {
      add(evidenceOf(removal.by, removal.id))
      add(membership.logs.get(termName(author, removal.place.term))?.branchTo(removal.place) ?? [])
    } else if (term.departure !== undefined) {
      add(evidenceOf(term))
      term.departure.proof.forEach(add)
    }
  }
  return evidence.size === 0 ? undefined : [...evidence.values()]
}
