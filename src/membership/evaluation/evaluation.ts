import TinyQueue from 'tinyqueue'
import type { AuthorId } from '../../log/format/author.js'
import { type Admit, type Erase, type Keep, NO_OPERATION, type Open, type OperationId } from '../format/body.js'
import type { Operation } from '../format/operation.js'
import { isAtLeast, mayGrant } from '../format/role.js'
import type { PrivateRoom } from '../format/room.js'
import { ADMISSION_DEPTH_MAX, BELOW_ADMIN_MAX } from '../limits.js'
import { InvitationRecord } from './invitation-record.js'
import { logsOf, OperationLog, type TermName, termName } from './operation-log.js'
import { compareRanks, RESCUE_OFFSET } from './rank.js'
import { RemovalIndex } from './removal-index.js'
import { operationsMax, Term, type TermStart } from './term.js'

/**
 * Evaluates the terms of a room, the most senior first, each once. A removal can only come from a senior, so everything that can
 * end a term is known when it is evaluated. The result depends on the set of operations alone: there is no clock and no order of
 * arrival. docs/protocol/membership.md §9.5.
 */
export class Evaluation {
  readonly logs: ReadonlyMap<TermName, OperationLog>
  /** The evaluated terms, the most senior first. */
  readonly terms = new Map<TermName, Term>()
  /** The terms of the rescue key and of the founder. */
  readonly roots: Term[] = []
  readonly removals = new RemovalIndex()
  readonly invitations = new InvitationRecord()
  readonly erasures: { readonly by: AuthorId; readonly body: Erase }[] = []
  keep: Keep | undefined
  history: number | undefined

  readonly #queue = new TinyQueue<TermStart>([], (a, b) => compareRanks(a.rank, b.rank))
  #name: string | undefined
  #opening: Open | undefined

  constructor({ founder, rescue }: PrivateRoom, operations: Iterable<Operation>) {
    this.logs = logsOf(operations)
    const start = { id: NO_OPERATION, admission: undefined }
    if (rescue !== undefined) this.#queue.push({ ...start, author: rescue, rank: { role: 'rescue', path: [] } })
    this.#queue.push({ ...start, author: founder, rank: { role: 'founder', path: [] } })
    for (let next = this.#queue.pop(); next !== undefined; next = this.#queue.pop()) this.#evaluate(next)
  }

  /** The room's name. A name set by any admin overrides the name in the opening. */
  get name(): string | undefined {
    return this.#name ?? this.#opening?.name
  }

  /** Whether only admins admit. */
  get isClosed(): boolean {
    return this.#opening?.closed === 1
  }

  /** When the room was opened. */
  get openedAt(): number | undefined {
    return this.#opening?.time
  }

  #evaluate(start: TermStart): void {
    const name = termName(start.author, start.id)
    const host = start.admission?.by
    if (this.terms.has(name) || (host !== undefined && host.presentGuests >= host.guestsMax)) return
    const admins = adminsAbove(host)
    if (admins.some(({ below }) => below >= BELOW_ADMIN_MAX)) return

    const log = this.logs.get(name) ?? new OperationLog()
    const term = new Term(start, log, this.removals.of(start.author), this.removals.naming(start.author, start.id))
    this.terms.set(name, term)
    if (host === undefined) this.roots.push(term)
    else {
      host.guests.push(term)
      if (!term.hasEnded) host.presentGuests++
    }
    for (const admin of admins) admin.below += 1 + (term.operations?.length ?? 0)
    this.#apply(term)
  }

  #apply(term: Term): void {
    const { role, author } = term
    let ownName: string | undefined
    let ownKeep: Keep | undefined
    let ownHistory: number | undefined
    for (const { id, seq, body } of term.operations ?? []) {
      if (body.kind === 'remove' && isAtLeast(role, 'admin') && body.subject !== author)
        this.removals.add(body.subject, { id, by: term, place: body.place, chat: body.chat ?? [] })
      // The second half of a log is reserved for removals and leaves, so that a full log never keeps an admin from removing people.
      if (seq > operationsMax(role) / 2) continue
      if (body.kind === 'admit') this.#admit(term, id, seq, body)
      else if (body.kind === 'invite' && mayGrant(role, body.role)) this.invitations.invite(term, body)
      else if (body.kind === 'revoke' && isAtLeast(role, 'host')) this.invitations.revoke(term, body.invitation)
      else if (body.kind === 'erase' && isAtLeast(role, 'admin')) this.erasures.push({ by: author, body })
      else if (body.kind === 'name' && isAtLeast(role, 'admin')) ownName = body.name
      else if (body.kind === 'keep' && isAtLeast(role, 'founder')) ownKeep = body.keep
      else if (body.kind === 'history' && isAtLeast(role, 'founder')) ownHistory = body.history
      else if (body.kind === 'open') this.#opening = body
    }
    // The last value of the most senior author who set one wins.
    this.#name ??= ownName
    this.keep ??= ownKeep
    this.history ??= ownHistory
  }

  #admit(term: Term, id: OperationId, seq: number, body: Admit): void {
    const { role, path } = term.rank
    if (!mayGrant(role, body.role) || body.subject === term.author || path.length >= ADMISSION_DEPTH_MAX) return
    if (body.invitation !== undefined) this.invitations.use(body.invitation, body.subject)
    this.#queue.push({
      author: body.subject,
      id: body.answers === undefined ? NO_OPERATION : id,
      rank: { role: body.role, path: [...path, role === 'rescue' ? seq + RESCUE_OFFSET : seq] },
      admission: { id, by: term, body },
    })
  }
}

/** The admins above `host` in the tree of admissions: `below` of each includes the guests of `host`. */
function adminsAbove(host: Term | undefined): Term[] {
  const admins: Term[] = []
  for (let above = host?.admission?.by; above !== undefined; above = above.admission?.by)
    if (above.role === 'admin') admins.push(above)
  return admins
}
