import type { AuthorId } from '../log/format/author.js'
import { termName } from './evaluation/operation-log.js'
import type { Term } from './evaluation/term.js'
import type { OperationId } from './format/body.js'
import type { Operation } from './format/operation.js'
import type { Membership } from './membership.js'

/**
 * The operations that a peer stores and sends: enough to derive the same membership. They are in the order of evaluation, so that each
 * follows the admission of its author. All others are dropped, including those after a removal. An author (`own`) also keeps all operations
 * of their own, and the branches that their own removals name. docs/protocol/membership.md §9.6.
 */
export function retainedOperations(membership: Membership, own?: AuthorId): Operation[] {
  const kept = new Map<OperationId, Operation>()
  const keep = (branches: Iterable<readonly Operation[]>): void => {
    for (const operations of branches) for (const operation of operations) kept.set(operation.id, operation)
  }
  for (const term of membership.terms.values()) keep(evidenceOf(term))
  if (own !== undefined) keep(ownBranches(membership, own))
  return [...kept.values()]
}

/** The branch of a term that counts, and the operations that prove it. */
function* evidenceOf({ operations, departure, isRemoved, fork }: Term): Generator<readonly Operation[]> {
  if (operations !== undefined) yield operations
  if (departure !== undefined && !isRemoved) yield* departure.proof
  if (fork !== undefined) yield [fork]
}

function* ownBranches({ logs }: Membership, own: AuthorId): Generator<readonly Operation[]> {
  for (const log of logs.values()) {
    const operations = [...log.operations].sort((a, b) => a.seq - b.seq)
    if (operations[0]?.author !== own) continue
    yield operations
    for (const { body } of operations) {
      if (body.kind !== 'remove') continue
      const branch = logs.get(termName(body.subject, body.place.term))?.branchTo(body.place)
      if (branch !== undefined) yield branch
    }
  }
}
