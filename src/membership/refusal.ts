import type { AuthorId } from '../log/format/author.js'
import type { DoubtReason } from '../log/mark/doubt.js'
import { termsOf } from './drafting.js'
import { isSenior } from './evaluation/rank.js'
import { operationsMax, type Term } from './evaluation/term.js'
import type { Admit, Body, Invite, OperationId, Remove, Revoke } from './format/body.js'
import { type GivenRole, isAtLeast, mayGrant, type Role } from './format/role.js'
import { ADMISSION_DEPTH_MAX, ANSWERS_MAX, BELOW_ADMIN_MAX, INVITATIONS_MAX, MEMBERS_MAX } from './limits.js'
import type { Membership } from './membership.js'

/** Why a program does not write an operation: it would not count, or it would surprise its author. */
export type Refusal =
  | { readonly kind: 'not-a-member' }
  /** The author needs this role or a more senior one. */
  | { readonly kind: 'role-too-low'; readonly needs: Role }
  /** The founder alone opens a room, once. */
  | { readonly kind: 'already-open' }
  /** The subject is the author. */
  | { readonly kind: 'own-key' }
  | { readonly kind: 'never-admitted' }
  /** The subject is senior to the author. */
  | { readonly kind: 'senior' }
  /** The operations up to the place of a removal are not known. */
  | { readonly kind: 'unknown-place' }
  /** Only admins admit in this room, so there are no hosts. */
  | { readonly kind: 'closed-room' }
  /** The subject has this role already, or a more senior one. */
  | { readonly kind: 'has-role'; readonly role: Role }
  /** These removals of the subject are not answered. */
  | { readonly kind: 'unanswered-removals'; readonly removals: readonly OperationId[] }
  /** These authors removed the subject; only they and their seniors can readmit them. */
  | { readonly kind: 'removed-by-senior'; readonly by: readonly AuthorId[] }
  /** The subject was removed more often than one admission can answer: they need another key. */
  | { readonly kind: 'too-many-removals'; readonly max: number }
  | { readonly kind: 'guests-full'; readonly max: number }
  | { readonly kind: 'room-full'; readonly max: number }
  | { readonly kind: 'branch-full'; readonly max: number }
  | { readonly kind: 'too-deep'; readonly max: number }
  /** The author's log has no space left for this kind of operation. */
  | { readonly kind: 'log-full'; readonly max: number }
  | { readonly kind: 'too-many-invitations'; readonly max: number }
  /** No invitation with this id is open. */
  | { readonly kind: 'unknown-invitation' }
  /** Operations of the author may be missing on this disk. The author signs no operation before a member has sent the missing ones. */
  | { readonly kind: 'in-doubt'; readonly reason: DoubtReason }

/** Why `author` should not write `body` now; undefined if they may. docs/protocol/membership.md §9.7. */
export function refusalOf(membership: Membership, author: AuthorId, body: Body): Refusal | undefined {
  const term = membership.currentTerm(author)
  if (term === undefined) return { kind: 'not-a-member' }
  return fullLog(term, body) ?? refusalByKind(membership, term, body)
}

function refusalByKind(membership: Membership, term: Term, body: Body): Refusal | undefined {
  switch (body.kind) {
    case 'open':
      return { kind: 'already-open' }
    case 'leave':
      return undefined
    case 'admit':
      return admissionRefusal(membership, term, body)
    case 'remove':
      return removalRefusal(membership, term, body)
    case 'invite':
      return invitationRefusal(membership, term, body)
    case 'revoke':
      return revocationRefusal(membership, term, body)
    case 'name':
    case 'erase':
      return lowRole(term, 'admin')
    case 'keep':
    case 'history':
      return lowRole(term, 'founder')
  }
}

/** The second half of a log is for removals and leaves. */
function fullLog({ role, operations = [] }: Term, { kind }: Body): Refusal | undefined {
  const max = kind === 'remove' || kind === 'leave' ? operationsMax(role) : operationsMax(role) / 2
  return operations.length >= max ? { kind: 'log-full', max } : undefined
}

const lowRole = ({ role }: Term, needs: Role): Refusal | undefined =>
  isAtLeast(role, needs) ? undefined : { kind: 'role-too-low', needs }

/** Why the author of a term may not grant a role. */
function roleRefusal({ isClosed }: Membership, { role }: Term, given: GivenRole): Refusal | undefined {
  if (!mayGrant(role, given)) return { kind: 'role-too-low', needs: role === 'host' ? 'admin' : 'host' }
  return isClosed && (given === 'host' || role === 'host') ? { kind: 'closed-room' } : undefined
}

function admissionRefusal(membership: Membership, term: Term, body: Admit): Refusal | undefined {
  if (body.subject === term.author) return { kind: 'own-key' }
  const current = membership.currentTerm(body.subject)
  return (
    roleRefusal(membership, term, body.role) ??
    (current !== undefined && isAtLeast(current.role, body.role)
      ? { kind: 'has-role', role: current.role }
      : undefined) ??
    answerRefusal(membership, term, body) ??
    placeRefusal(membership, term, current)
  )
}

function answerRefusal(membership: Membership, term: Term, { subject, answers = [] }: Admit): Refusal | undefined {
  const removals = membership.removalsOf(subject)
  if (removals.length > ANSWERS_MAX) return { kind: 'too-many-removals', max: ANSWERS_MAX }
  const unanswered = removals.filter(({ id }) => !answers.includes(id))
  if (unanswered.length > 0) return { kind: 'unanswered-removals', removals: unanswered.map(({ id }) => id) }
  const seniors = removals.filter(({ by }) => by !== term && !isSenior(term.rank, by.rank))
  return seniors.length > 0
    ? { kind: 'removed-by-senior', by: [...new Set(seniors.map(({ by }) => by.author))] }
    : undefined
}

/** Why a term cannot have one more guest. `current` is the subject's term, if they are a member already. */
function placeRefusal(membership: Membership, term: Term, current: Term | undefined): Refusal | undefined {
  if (term.presentGuests >= term.guestsMax) return { kind: 'guests-full', max: term.guestsMax }
  if (term.rank.path.length >= ADMISSION_DEPTH_MAX) return { kind: 'too-deep', max: ADMISSION_DEPTH_MAX }
  for (let above = term.admission?.by; above !== undefined; above = above.admission?.by)
    if (above.role === 'admin' && above.below >= BELOW_ADMIN_MAX) return { kind: 'branch-full', max: BELOW_ADMIN_MAX }
  const isFull = membership.members.size >= MEMBERS_MAX && current === undefined
  return isFull ? { kind: 'room-full', max: MEMBERS_MAX } : undefined
}

function removalRefusal(membership: Membership, term: Term, { subject, place }: Remove): Refusal | undefined {
  if (subject === term.author) return { kind: 'own-key' }
  const low = lowRole(term, 'admin')
  if (low !== undefined) return low
  const current = membership.currentTerm(subject)
  const terms = current === undefined ? termsOf(membership, subject) : [current]
  if (terms.length === 0) return { kind: 'never-admitted' }
  if (!terms.some(({ rank }) => isSenior(term.rank, rank))) return { kind: 'senior' }
  const named = termsOf(membership, subject).find(({ id }) => id === place.term)
  return named?.log.branchTo(place) === undefined ? { kind: 'unknown-place' } : undefined
}

function invitationRefusal(membership: Membership, term: Term, { role }: Invite): Refusal | undefined {
  const refusal = roleRefusal(membership, term, role)
  if (refusal !== undefined) return refusal
  const open = membership.invitations.filter(({ by, state }) => by === term.author && state === 'open')
  return open.length >= INVITATIONS_MAX ? { kind: 'too-many-invitations', max: INVITATIONS_MAX } : undefined
}

function revocationRefusal(membership: Membership, term: Term, { invitation }: Revoke): Refusal | undefined {
  const found = membership.invitations.find(({ id, state }) => id === invitation && state === 'open')
  if (found === undefined) return { kind: 'unknown-invitation' }
  const low = lowRole(term, 'host')
  if (low !== undefined || found.by === term.author) return low
  const author = membership.currentTerm(found.by)
  return author !== undefined && isSenior(term.rank, author.rank) ? undefined : { kind: 'senior' }
}
