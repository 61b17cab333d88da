import type { AuthorId } from '../../log/format/author.js'
import type { OperationId } from '../format/body.js'
import { BELOW_ADMIN_MAX, GUESTS_MAX, OPERATIONS_MAX } from '../limits.js'
import type { Evaluation } from './evaluation.js'
import type { OverusedInvitation } from './invitation-record.js'
import type { Term } from './term.js'

/** A warning that everybody in the room should see. */
export type MembershipWarning =
  /** An author signed two histories from an operation on. */
  | { readonly kind: 'fork'; readonly author: AuthorId; readonly seq: number }
  /** Nothing of a log counts, because operations up to the place of a removal are missing. */
  | { readonly kind: 'missing-operations'; readonly author: AuthorId }
  | ({ readonly kind: 'overused-invitation' } & OverusedInvitation)
  /** An author was readmitted, and is out because the admission does not answer these removals. */
  | { readonly kind: 'unanswered-removals'; readonly author: AuthorId; readonly removals: readonly OperationId[] }
  /** An admin has used a quarter of one of their limits. */
  | { readonly kind: 'heavy-use'; readonly author: AuthorId; readonly of: 'guests' | 'below' | 'operations' }

const HEAVY = 1 / 4

export function warningsOf(
  { terms, invitations }: Evaluation,
  currentTerm: (author: AuthorId) => Term | undefined,
): MembershipWarning[] {
  const warnings: MembershipWarning[] = []
  const readmitted = new Set<AuthorId>()
  for (const term of terms.values()) {
    const { author, fork, operations, isRemoved, admission } = term
    if (fork !== undefined) warnings.push({ kind: 'fork', author, seq: fork.seq })
    if (operations === undefined) warnings.push({ kind: 'missing-operations', author })
    if (term.role === 'admin') for (const of of heavyUses(term)) warnings.push({ kind: 'heavy-use', author, of })
    if (admission?.body.answers === undefined || !isRemoved || currentTerm(author) !== undefined) continue
    if (readmitted.has(author)) continue
    readmitted.add(author)
    warnings.push({ kind: 'unanswered-removals', author, removals: term.removals.map(({ id }) => id) })
  }
  for (const invitation of invitations.overused()) warnings.push({ kind: 'overused-invitation', ...invitation })
  return warnings
}

function heavyUses({ presentGuests, below, operations }: Term): ('guests' | 'below' | 'operations')[] {
  const uses = [
    ['guests', presentGuests, GUESTS_MAX],
    ['below', below, BELOW_ADMIN_MAX],
    ['operations', operations?.length ?? 0, OPERATIONS_MAX],
  ] as const
  return uses.flatMap(([of, count, max]) => (count >= max * HEAVY ? [of] : []))
}
