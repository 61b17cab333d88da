import type { AuthorId } from '../log/format/author.js'
import type { Term } from './evaluation/term.js'
import {
  type Admit,
  type ChatPlace,
  NO_OPERATION,
  type OperationId,
  type OperationPlace,
  type Remove,
} from './format/body.js'
import type { NextPlace, Operation } from './format/operation.js'
import { ANSWERS_MAX } from './limits.js'
import type { Membership } from './membership.js'

// Drafts operations the way an author's program should write them. docs/protocol/membership.md §9.7.

/** Where an author's next operation is appended; undefined if they are not a member. */
export function nextPlace(membership: Membership, author: AuthorId): NextPlace | undefined {
  const term = membership.currentTerm(author)
  if (term === undefined) return undefined
  const { term: id, seq, id: previous } = headOf(term)
  return { term: id, seq: seq + 1, previous }
}

/** Where the operations of a term that count end. */
export function headOf({ id, operations = [] }: Term): OperationPlace {
  return { term: id, seq: operations.length, id: operations.at(-1)?.id ?? NO_OPERATION }
}

/** A removal at the last known operation of the subject's current or most senior term; undefined if they were never a member. */
export function removalOf(
  membership: Membership,
  subject: AuthorId,
  chat: ChatPlace,
  time: number,
): Remove | undefined {
  const term = membership.currentTerm(subject) ?? termsOf(membership, subject)[0]
  if (term === undefined) return undefined
  return { kind: 'remove', subject, place: headOf(term), ...(chat.length > 0 && { chat }), time }
}

/** An admission that answers all known removals and leaves of its subject. */
export function admissionOf(membership: Membership, admission: DraftedAdmission): Admit {
  return answering(knownEnds(membership, admission.subject), admission)
}

/**
 * An admission that answers the known leaves of its subject but no removals: a removal that starts to count once more operations are known
 * then still ends it.
 */
export function returnOf(membership: Membership, admission: DraftedAdmission): Admit {
  return answering(leavesOf(membership, admission.subject), admission)
}

type DraftedAdmission = Omit<Admit, 'kind' | 'answers'>

function answering(ends: readonly { readonly id: OperationId }[], admission: DraftedAdmission): Admit {
  const answers = ends
    .slice(0, ANSWERS_MAX)
    .map(({ id }) => id)
    .sort()
  return { kind: 'admit', ...admission, ...(answers.length > 0 && { answers }) }
}

/** The leaves of an author, in all their terms. */
const leavesOf = (membership: Membership, author: AuthorId): Operation[] =>
  termsOf(membership, author).flatMap(({ log }) => [...log.operations].filter(({ body }) => body.kind === 'leave'))

/** The terms of an author, the most senior first. */
export const termsOf = ({ terms }: Membership, author: AuthorId): Term[] =>
  [...terms.values()].filter(term => term.author === author)

/**
 * The removals and leaves of an author: removals that count, then removals that do not count but would end a term of a lower rank,
 * then leaves.
 */
function knownEnds(membership: Membership, author: AuthorId): { readonly id: OperationId }[] {
  const counting = new Set(membership.removalsOf(author).map(({ id }) => id))
  const others: Operation[] = []
  for (const term of membership.terms.values())
    for (const operation of term.log.operations) {
      const { id, body } = operation
      if (body.kind === 'remove' && body.subject === author && !counting.has(id)) others.push(operation)
    }
  return [...membership.removalsOf(author), ...others, ...leavesOf(membership, author)]
}
