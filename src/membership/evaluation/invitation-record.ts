import type { AuthorId } from '../../log/format/author.js'
import { type InvitationId, type Invite, invitationOf } from '../format/body.js'
import { type GivenRole, mayGrant } from '../format/role.js'
import { INVITATIONS_MAX } from '../limits.js'
import { isSenior } from './rank.js'
import type { Term } from './term.js'

/** An invitation as recorded in operations. Its expiry is not part of the record, because it depends on the reader's clock. */
export interface Invitation {
  readonly id: InvitationId
  readonly by: AuthorId
  readonly role: GivenRole
  readonly inviteKey: string
  readonly findKey: string
  readonly until: number
  readonly uses: number
  /** The authors admitted by it, in the order of evaluation. */
  readonly admitted: readonly AuthorId[]
  /** Void: its author may no longer admit. */
  readonly state: 'open' | 'used' | 'withdrawn' | 'void'
}

/** An invitation by which more people were admitted than it allows. */
export interface OverusedInvitation {
  readonly id: InvitationId
  readonly uses: number
  readonly admitted: readonly AuthorId[]
}

/** Uses that an invitation allows if its operation is unknown or does not count. */
const UNKNOWN_USES = 1

/** Invitations as recorded in operations, in the order of evaluation. */
export class InvitationRecord {
  readonly #invites = new Map<InvitationId, { readonly term: Term; readonly body: Invite }>()
  readonly #revocations = new Map<InvitationId, Set<Term>>()
  readonly #uses = new Map<InvitationId, Set<AuthorId>>()

  /** The first invitation with a key wins, so that nobody can change a senior's invitation by repeating its key. */
  invite(term: Term, body: Invite): void {
    const id = invitationOf(body.inviteKey)
    if (!this.#invites.has(id)) this.#invites.set(id, { term, body })
  }

  revoke(term: Term, id: InvitationId): void {
    const by = this.#revocations.get(id)
    if (by === undefined) this.#revocations.set(id, new Set([term]))
    else by.add(term)
  }

  use(id: InvitationId, subject: AuthorId): void {
    const used = this.#uses.get(id)
    if (used === undefined) this.#uses.set(id, new Set([subject]))
    else used.add(subject)
  }

  /**
   * For each author the last INVITATIONS_MAX open invitations, and the last INVITATIONS_MAX others, in the order of evaluation.
   * `currentTerm` returns the current term of an author.
   */
  list(currentTerm: (author: AuthorId) => Term | undefined): Invitation[] {
    const counts = new Map<string, number>()
    const listed: Invitation[] = []
    for (const [id, { term, body }] of [...this.#invites].reverse()) {
      const invitation = this.#invitation(id, term, body, currentTerm(term.author))
      const group = `${invitation.state === 'open'} ${term.author}`
      const count = (counts.get(group) ?? 0) + 1
      counts.set(group, count)
      if (count <= INVITATIONS_MAX) listed.push(invitation)
    }
    return listed.reverse()
  }

  overused(): OverusedInvitation[] {
    return [...this.#uses].flatMap(([id, admitted]) => {
      const uses = this.#invites.get(id)?.body.uses ?? UNKNOWN_USES
      return admitted.size > uses ? [{ id, uses, admitted: [...admitted] }] : []
    })
  }

  #invitation(id: InvitationId, term: Term, body: Invite, current: Term | undefined): Invitation {
    const { role, inviteKey, findKey, until, uses } = body
    const admitted = [...(this.#uses.get(id) ?? [])]
    const isWithdrawn = [...(this.#revocations.get(id) ?? [])].some(
      by => by.author === term.author || isSenior(by.rank, term.rank),
    )
    const mayAdmit = current !== undefined && mayGrant(current.role, role)
    const state = isWithdrawn ? 'withdrawn' : admitted.length >= uses ? 'used' : mayAdmit ? 'open' : 'void'
    return { id, by: term.author, role, inviteKey, findKey, until, uses, admitted, state }
  }
}
