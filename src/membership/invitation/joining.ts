import type { AuthorId } from '../../log/format/author.js'
import { returnOf } from '../drafting.js'
import type { Invitation } from '../evaluation/invitation-record.js'
import type { Given, InvitationId } from '../format/body.js'
import type { Membership } from '../membership.js'
import { type Refusal, refusalOf } from '../refusal.js'

/** Why an invitation does not admit somebody. */
export type JoinRefusal =
  | { readonly kind: 'unknown-invitation' }
  | { readonly kind: 'used' | 'withdrawn' | 'void' }
  | { readonly kind: 'expired'; readonly until: number }
  /** The author of the invitation uses it themselves. */
  | { readonly kind: 'own-invitation' }
  | { readonly kind: 'already-a-member' }
  /** Invitations do not answer removals: the remover or somebody senior has to readmit the subject. */
  | { readonly kind: 'removed'; readonly by: readonly AuthorId[] }
  /** The admitter may not admit. */
  | { readonly kind: 'refused'; readonly refusal: Refusal }

export interface Join {
  readonly subject: AuthorId
  readonly invitation: InvitationId
  readonly consent: string
  readonly time: number
  readonly given?: Given
}

/**
 * Why `admitter` does not admit the subject of a join; undefined if they may. `join.time` is the admitter's clock. Each admitter enforces
 * the number of uses alone, so an invitation can be used twice in two partitions; then everybody is warned.
 */
export function joinRefusalOf(membership: Membership, admitter: AuthorId, join: Join): JoinRefusal | undefined {
  const invitation = membership.invitations.find(({ id }) => id === join.invitation)
  if (invitation === undefined) return { kind: 'unknown-invitation' }
  if (join.subject === invitation.by) return { kind: 'own-invitation' }
  if (membership.currentTerm(join.subject) !== undefined) return { kind: 'already-a-member' }
  if (invitation.state !== 'open') return { kind: invitation.state }
  if (join.time >= invitation.until) return { kind: 'expired', until: invitation.until }
  const by = removersOf(membership, join.subject)
  if (by.length > 0) return { kind: 'removed', by }
  const refusal = refusalOf(membership, admitter, admissionBy(membership, invitation, join))
  return refusal && { kind: 'refused', refusal }
}

/**
 * The authors of all removals of the subject, including removals that ended no term. Each would end a new term, because an admission by
 * code answers no removals.
 */
function removersOf(membership: Membership, subject: AuthorId): AuthorId[] {
  const removers = membership.removalsOf(subject).map(({ by }) => by.author)
  for (const { author, operations = [] } of membership.terms.values())
    if (operations.some(({ body }) => body.kind === 'remove' && body.subject === subject)) removers.push(author)
  return [...new Set(removers)]
}

/** The admission of somebody who shows an invitation. It answers their own leaves. */
export const admissionBy = (
  membership: Membership,
  { id, role }: Invitation,
  { subject, consent, time, given }: Join,
) => returnOf(membership, { subject, role, consent, invitation: id, time, ...given })
