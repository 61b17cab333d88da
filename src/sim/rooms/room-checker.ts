import type { Millis } from '../../base/clock.js'
import { type AuthorId, type LogId, runOf, type Seq } from '../../log/format/author.js'
import { termName } from '../../membership/evaluation/operation-log.js'
import { isSenior } from '../../membership/evaluation/rank.js'
import type { Removal } from '../../membership/evaluation/term.js'
import { type Admit, NO_OPERATION, type OperationId, type TermId } from '../../membership/format/body.js'
import type { Operation } from '../../membership/format/operation.js'
import { memberItems } from '../../membership/member-list.js'
import { Membership } from '../../membership/membership.js'

/** The parts of a person's room that are checked. */
interface CheckedSeat {
  readonly author: AuthorId
  readonly members: { readonly membership: Membership } | undefined
}

/** A line of the chat, with what its author knew about the room when they sent the line. */
interface Line {
  readonly room: string
  readonly author: AuthorId
  /** The term of the author when they sent it. */
  readonly term: TermId
  readonly sentAt: Millis
  /** The removals of each former member that the author knew of. */
  readonly knew: ReadonlyMap<AuthorId, ReadonlySet<OperationId>>
}

/** Position of a line in its log. */
interface LinePlace {
  readonly author: LogId
  readonly seq: Seq
}

/** What a checker with full knowledge derives about a room. */
interface Truths {
  /** The memberships of honest peers from which the rest is derived. */
  readonly of: readonly Membership[]
  /** The membership according to the operations of all honest peers together. */
  readonly truth: Membership
  /** The membership according to the operations that the members have to know. */
  readonly known: () => Membership
}

interface Signed {
  readonly operation: Operation
  readonly at: Millis
  readonly isHonest: boolean
}

/**
 * Checks the invariants of private rooms. It knows everything that anybody signed and wrote, and compares that with
 * what the peers do. It derives who should be a member from a few rules of its own, not from the evaluation.
 */
export class RoomChecker {
  readonly violations: string[] = []
  readonly #now: () => Millis
  readonly #names = new Map<AuthorId, string>()
  readonly #honest = new Set<AuthorId>()
  readonly #seats = new Map<string, CheckedSeat[]>()
  readonly #founders = new Map<string, AuthorId>()
  /** Who asked to be in a room: `room/author`. */
  readonly #consents = new Set<string>()
  readonly #signed = new Map<OperationId, Signed>()
  readonly #lines = new Map<string, Line>()
  readonly #acknowledged = new Map<string, Set<string>>()
  /** Who received which line by way of a Byzantine peer: `receiver/line`. */
  readonly #tainted = new Set<string>()
  /** People who confirmed that an old copy is complete, or have two machines: they may have signed two histories. */
  readonly #mayFork = new Set<AuthorId>()
  readonly #statements = new WeakMap<Membership, string>()
  readonly #truths = new Map<string, Truths>()

  constructor(now: () => Millis) {
    this.#now = now
  }

  violate(line: string): void {
    this.violations.push(line)
  }

  person(name: string, author: AuthorId, isHonest: boolean): void {
    this.#names.set(author, name)
    if (isHonest) this.#honest.add(author)
  }

  isHonest(author: AuthorId): boolean {
    return this.#honest.has(author)
  }

  nameOf(author: AuthorId): string {
    return this.#names.get(author) ?? author.slice(0, 8)
  }

  mayFork(author: AuthorId): void {
    this.#mayFork.add(author)
  }

  /** Somebody restored an old copy of a room: lines that nobody else has are lost. */
  restored(room: string, author: AuthorId): void {
    this.#acknowledged.delete(`${room}/${author}`)
  }

  founded(room: string, founder: AuthorId): void {
    this.#founders.set(room, founder)
  }

  seat(room: string, seat: CheckedSeat): void {
    this.#seats.set(room, [...(this.#seats.get(room) ?? []), seat])
  }

  /** Somebody asks to be in a room. */
  consented(room: string, author: AuthorId): void {
    this.#consents.add(`${room}/${author}`)
  }

  signed(operations: readonly Operation[], isHonest: boolean): void {
    for (const operation of operations)
      if (!this.#signed.has(operation.id)) this.#signed.set(operation.id, { operation, at: this.#now(), isHonest })
  }

  /** A line is being sent. */
  sent(room: string, author: AuthorId, text: string, membership: Membership): void {
    const knew = new Map<AuthorId, ReadonlySet<OperationId>>()
    for (const out of membership.former.keys()) knew.set(out, new Set(membership.removalsOf(out).map(({ id }) => id)))
    const term = membership.currentTerm(author)?.id ?? NO_OPERATION
    this.#lines.set(text, { room, author, term, sentAt: this.#now(), knew })
  }

  /** A line is on the disk of its author. */
  acknowledged(room: string, author: AuthorId, text: string): void {
    const key = `${room}/${author}`
    this.#acknowledged.set(key, (this.#acknowledged.get(key) ?? new Set()).add(text))
  }

  /** A line was sent over a connection to a peer. */
  delivered(from: AuthorId, to: AuthorId, text: string): void {
    const line = this.#lines.get(text)
    if (line === undefined || line.author === to) return
    const isTainted = !this.isHonest(from) || this.#tainted.has(`${from}/${text}`)
    if (isTainted) this.#tainted.add(`${to}/${text}`)
    const known = line.knew.get(to)
    if (isTainted || known === undefined) return
    const truth = this.truth(line.room)
    if (truth === undefined || truth.currentTerm(to) !== undefined) return
    if (truth.removalsOf(to).some(({ id }) => known.has(id) && !this.#isForgiven(to, id)))
      this.violate(
        `${this.nameOf(from)} gave "${text}" to ${this.nameOf(to)}, whose removal ${this.nameOf(line.author)} knew of`,
      )
  }

  /** Whether an honest person signed an admission that answers the removal. They may be out themselves without knowing it. */
  #isForgiven(subject: AuthorId, removal: OperationId): boolean {
    return [...this.#signed.values()].some(
      ({ isHonest, operation: { body } }) =>
        isHonest && body.kind === 'admit' && body.subject === subject && body.answers?.includes(removal),
    )
  }

  /** A user is shown a line. Its author must not have written it after a removal that the user's peer knows of. */
  shown(reader: AuthorId, membership: Membership, text: string, place: LinePlace): void {
    const line = this.#lines.get(text)
    if (line === undefined || line.author === reader) return
    const removals = membership.removalsOf(line.author)
    if (!removals.every(({ id }) => this.#signed.get(id)?.isHonest)) return
    const rank = membership.terms.get(termName(line.author, line.term))?.rank
    // A removal does not affect a term that is senior to its author's, for example after a promotion that was signed concurrently.
    const hitting = removals.filter(({ by }) => rank === undefined || isSenior(by.rank, rank))
    const unanswered = hitting.filter(({ id }) => !this.#isAnswered(membership, line, id))
    const late = unanswered.some(
      removal => (this.#signed.get(removal.id)?.at ?? 0) < line.sentAt && !isOverruled(removal, unanswered, place),
    )
    if (late)
      this.violate(
        `${this.nameOf(reader)} is shown "${text}", which ${this.nameOf(line.author)} wrote after their removal`,
      )
  }

  /** Whether `membership`, as one member knows it, agrees with all operations that members have to know. */
  isUpToDate(room: string, membership: Membership | undefined): boolean {
    const known = this.#truthsOf(room)?.known()
    return known !== undefined && membership !== undefined && this.#statementOf(membership) === this.#statementOf(known)
  }

  /** Members, warnings, and up to which entry the chat of each term counts. */
  #statementOf(membership: Membership): string {
    const known = this.#statements.get(membership)
    if (known !== undefined) return known
    const items = memberItems(membership, () => undefined)
    const chat = [...membership.terms].map(([name, term]) => [name, term.chat ?? 'all'])
    const statement = JSON.stringify([items, chat])
    this.#statements.set(membership, statement)
    return statement
  }

  /** The membership according to the operations of all honest peers together. */
  truth(room: string): Membership | undefined {
    return this.#truthsOf(room)?.truth
  }

  #truthsOf(room: string): Truths | undefined {
    const seats = (this.#seats.get(room) ?? []).filter(({ author }) => this.isHonest(author))
    const of = seats.flatMap(({ members }) => members?.membership ?? [])
    const [first] = of
    if (first === undefined) return undefined
    const cached = this.#truths.get(room)
    if (cached !== undefined && cached.of.length === of.length && cached.of.every((each, i) => each === of[i]))
      return cached
    const union = (has: (author: AuthorId, operation: Operation) => boolean): Membership => {
      const operations = new Map<OperationId, Operation>()
      for (const { author, members } of seats)
        for (const operation of members === undefined ? [] : this.#operationsIn(members.membership))
          if (has(author, operation)) operations.set(operation.id, operation)
      return new Membership(first.room, operations.values())
    }
    const truth = union(() => true)
    // Operations that a Byzantine member sent only to people outside the room need not reach the members.
    let known: Membership | undefined
    const truths = {
      of,
      truth,
      known: () =>
        (known ??= union((author, { id }) => truth.members.has(author) || this.#signed.get(id)?.isHonest === true)),
    }
    this.#truths.set(room, truths)
    return truths
  }

  /** Checks who is a member, by rules that need no evaluation. */
  checkMembers(room: string): void {
    const truth = this.truth(room)
    const founder = this.#founders.get(room)
    if (truth === undefined || founder === undefined) return
    for (const author of truth.members.keys())
      if (author !== founder && !this.#consents.has(`${room}/${author}`))
        this.violate(`${this.nameOf(author)} is a member of ${room}, and never asked to be`)
    for (const warning of truth.warnings)
      if (warning.kind === 'fork' && this.isHonest(warning.author) && !this.#mayFork.has(warning.author))
        this.violate(`the honest ${this.nameOf(warning.author)} signed two histories of ${room}`)
    const inRoom = this.#operationsIn(truth)
    const isRescued = inRoom.some(
      ({ author, body }) => author === truth.room.rescue && body.kind === 'remove' && body.subject === founder,
    )
    const hasLeft = inRoom.some(({ author, body }) => author === founder && body.kind === 'leave')
    if (isRescued && truth.currentTerm(founder)?.role === 'founder')
      this.violate(`the founder of ${room} is in, though the rescue words ended that`)
    if (!hasLeft && !isRescued && !truth.members.has(founder)) this.violate(`the founder of ${room} is out`)
    const removals = new Set(inRoom.flatMap(({ id, body }) => (body.kind === 'remove' ? id : [])))
    for (const { author, seq, body } of inRoom) {
      if (body.kind === 'admit' && body.invitation !== undefined && body.answers?.some(id => removals.has(id)))
        this.violate(`${this.nameOf(author)} let the removed ${this.nameOf(body.subject)} in by a code`)
      if (author !== founder || isRescued) continue
      if (body.kind === 'admit' && body.answers === undefined) this.#checkAdmitted(room, truth, inRoom, seq, body)
      if (body.kind === 'remove') this.#checkRemoved(room, truth, inRoom, { subject: body.subject, seq })
    }
  }

  /** Somebody who was admitted by the founder, and not removed by a senior, is a member. */
  #checkAdmitted(room: string, truth: Membership, inRoom: readonly Operation[], seq: number, admission: Admit): void {
    const { subject, role } = admission
    const founder = this.#founders.get(room)
    const mayRemove = (author: AuthorId): boolean =>
      author === founder ||
      inRoom.some(
        ({ author: by, seq: at, body }) =>
          body.kind === 'admit' &&
          body.subject === author &&
          body.role === 'admin' &&
          (role !== 'admin' || (by === founder && at < seq)),
      )
    const isEnded = inRoom.some(
      ({ author, body }) =>
        (body.kind === 'leave' && author === subject) ||
        (body.kind === 'remove' && body.subject === subject && mayRemove(author)),
    )
    if (!isEnded && truth.currentTerm(subject) === undefined)
      this.violate(`${this.nameOf(subject)} is locked out of ${room}, though nobody senior removed them`)
  }

  /** Somebody removed by the founder stays out until the founder admits them again. */
  #checkRemoved(
    room: string,
    truth: Membership,
    inRoom: readonly Operation[],
    { subject, seq }: { readonly subject: AuthorId; readonly seq: number },
  ): void {
    const isAnswered = inRoom.some(
      ({ author, seq: at, body }) =>
        author === this.#founders.get(room) && at > seq && body.kind === 'admit' && body.subject === subject,
    )
    if (!isAnswered && truth.members.has(subject))
      this.violate(`${this.nameOf(subject)} is a member of ${room}, though the founder removed them`)
  }

  /** The history contains every acknowledged line of members who never left and were never removed. */
  checkHistory(room: string, reader: string, texts: ReadonlySet<string>): void {
    const truth = this.truth(room)
    for (const author of truth?.members.keys() ?? []) {
      if (truth?.removalsOf(author).length !== 0 || !this.isHonest(author)) continue
      if ([...(truth?.terms.values() ?? [])].filter(term => term.author === author).length > 1) continue
      for (const text of this.#acknowledged.get(`${room}/${author}`) ?? [])
        if (!texts.has(text)) this.violate(`${reader} lacks the line "${text}" of ${this.nameOf(author)}`)
    }
  }

  #operationsIn({ logs }: Membership): Operation[] {
    return [...logs.values()].flatMap(log => [...log.operations])
  }

  /** Whether an admission that answers a removal was signed before a line was sent. */
  #isAnswered({ terms }: Membership, { author, sentAt }: Line, removal: OperationId): boolean {
    return [...terms.values()].some(
      term =>
        term.author === author &&
        term.admission?.body.answers?.includes(removal) === true &&
        (this.#signed.get(term.admission.id)?.at ?? 0) <= sentAt,
    )
  }
}

/**
 * Of several removals, the most senior one decides how much chat counts (docs/protocol/membership.md §9.5). It keeps
 * all lines that the remover had, even those received before they learned of a junior's earlier removal.
 */
const isOverruled = (removal: Removal, others: readonly Removal[], { author, seq }: LinePlace): boolean =>
  others.some(
    ({ by, chat }) =>
      isSenior(by.rank, removal.by.rank) && chat.some(end => end.run === runOf(author) && seq <= end.seq),
  )
