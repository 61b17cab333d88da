import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { AuthorId } from '../../src/log/format/author.js'
import type { Term } from '../../src/membership/evaluation/term.js'
import type { Operation } from '../../src/membership/format/operation.js'
import type { Membership } from '../../src/membership/membership.js'
import { between } from '../long/chance.js'
import { answering, type Build, MembershipWorld, nameOf, said, Writer } from './membership-world.js'

// Random sets of operations, and what must be true of each. docs/protocol/membership.md §9.5.

const NAMES = ['founder', 'alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'rescue'] as const
const ROLES = ['admin', 'host', 'member'] as const
/** The founder's first operations admit some people, most of them as admins. */
const FIRST_ROLES = ['admin', 'admin', 'host', 'member'] as const
const ANSWERS_MAX = 24

/** One operation of a set, in numbers that are taken modulo what they choose from. */
interface Step {
  readonly by: number
  readonly branch: number
  readonly kind: number
  readonly subject: number
  readonly role: number
  readonly detail: number
}

export interface OperationSet {
  readonly hasRescue: boolean
  readonly first: readonly number[]
  readonly steps: readonly Step[]
  /** Decides the order in which operations arrive, and what is added to the set. */
  readonly seed: number
}

const number = fc.nat({ max: 0xffff })

export const operationSet: fc.Arbitrary<OperationSet> = fc.record({
  hasRescue: fc.integer({ min: 0, max: 7 }).map(number => number === 0),
  first: fc.array(number, { maxLength: 5 }),
  steps: fc.array(
    fc.record({ by: number, branch: number, kind: number, subject: number, role: number, detail: number }),
    {
      minLength: 3,
      maxLength: 30,
      size: 'max',
    },
  ),
  seed: fc.nat(),
})

/** The operations of a set, and the branches that may be extended. */
class GrowingSet {
  readonly world: MembershipWorld
  readonly branches: Writer[]
  readonly #ends = new Map<AuthorId, Operation[]>()

  constructor(build: Build, { hasRescue, first, steps, seed }: OperationSet) {
    this.world = new MembershipWorld(build, { hasRescue, seed })
    this.branches = NAMES.map(name => (name === 'founder' ? this.world.founder : this.world.writer(name))).filter(
      ({ name }) => hasRescue || name !== 'rescue',
    )
    first.forEach((number, index) => {
      this.world.founder.admit(NAMES[index + 1] ?? 'alice', FIRST_ROLES[number % FIRST_ROLES.length])
    })
    for (const step of steps) this.#perform(step)
  }

  get operations(): Operation[] {
    return [...new Map(this.branches.flatMap(({ operations }) => operations).map(one => [one.id, one])).values()]
  }

  branchesOf(author: AuthorId): Writer[] {
    return this.branches.filter(branch => branch.author === author)
  }

  /** Appends what the step says to a branch. */
  append(branch: Writer, { kind, subject, role, detail }: Omit<Step, 'by' | 'branch'>): void {
    const name = this.#names[subject % this.#names.length] ?? 'alice'
    const author = this.world.writer(name).author
    if (kind % 24 < 14) this.#admit(branch, name, author, role, detail)
    else if (kind % 24 < 23) this.#remove(branch, author, detail)
    else this.#noteEnd(branch.author, branch.leave(detail % 9))
  }

  #admit(branch: Writer, name: string, author: AuthorId, role: number, detail: number): void {
    const ends = this.#ends.get(author) ?? []
    const isAnswer = ends.length > 0 && detail % 4 > 0
    const one = ends[detail % ends.length]
    const answered = detail % 3 > 0 || one === undefined ? ends.slice(-ANSWERS_MAX) : [one]
    const admission = branch.admit(name, ROLES[role % ROLES.length], isAnswer ? answering(...answered) : {})
    if (isAnswer) this.branches.push(new Writer(this.world, name, admission.id))
  }

  #remove(branch: Writer, author: AuthorId, detail: number): void {
    const removed = this.#pick(this.branchesOf(author), detail)
    const length = removed.operations.length
    const count = detail % 4 > 0 ? length : detail % (length + 1)
    this.#noteEnd(author, branch.remove(removed, count, detail % 9))
  }

  #perform({ by, branch, ...step }: Step): void {
    const names = by % 3 > 0 ? this.#names.slice(0, 4) : this.#names
    const author = this.world.writer(names[Math.floor(by / 3) % names.length] ?? 'alice').author
    let writer = this.#pick(this.branchesOf(author), branch)
    if (branch % 14 === 0 && writer.operations.length > 1) {
      const shared = writer.name === 'founder' ? 1 : 0
      writer = writer.fork(shared + (Math.floor(branch / 14) % (writer.operations.length - shared)))
      this.branches.push(writer)
    }
    this.append(writer, step)
  }

  get #names(): readonly string[] {
    return this.world.room.rescue === undefined ? NAMES.slice(0, -1) : NAMES
  }

  #noteEnd(author: AuthorId, end: Operation): void {
    const ends = this.#ends.get(author) ?? []
    if (!ends.some(({ id }) => id === end.id)) this.#ends.set(author, [...ends, end])
  }

  /** The last branch in half of all cases. */
  #pick(branches: readonly Writer[], number: number): Writer {
    const picked = number % 2 === 0 ? branches.at(-1) : branches[Math.floor(number / 2) % branches.length]
    return picked ?? this.world.founder
  }
}

/** How many sets exercised each property. */
export interface SetFigures {
  sets: number
  operations: number
  removedAdditions: number
  readmissions: number
  settled: number
}

export const noFigures = (): SetFigures => ({
  sets: 0,
  operations: 0,
  removedAdditions: 0,
  readmissions: 0,
  settled: 0,
})

/** Checks all properties of one set. */
export function checkSet(build: Build, given: OperationSet, figures: SetFigures): void {
  const set = new GrowingSet(build, given)
  const { world, operations } = set
  const membership = world.evaluate(operations)
  figures.sets++
  figures.operations += operations.length
  checkKept(world, operations)
  checkCutOff(world, operations, membership)
  checkSeniorsUnchanged(set, operations, membership)
  checkFormerMembers(set, operations, membership, figures)
  checkReadmission(set, operations, membership, figures)
  if (given.seed % 8 === 0) checkSettling(set, operations, membership, figures)
}

/** Pruning is idempotent. In the kept list, admissions precede the terms that they open, and operations are in the order of their log. */
function checkKept(world: MembershipWorld, operations: readonly Operation[]): void {
  const kept = world.kept(operations)
  assert.deepEqual(
    world.kept(kept).map(({ id }) => id),
    kept.map(({ id }) => id),
  )
  const ids = new Set<string>(['0'.repeat(64)])
  for (const { id, previous } of kept) {
    assert.ok(ids.has(previous), 'an operation is kept without the one before it')
    ids.add(id)
  }
}

/** Each member has a chain of admissions from a root, and a set evaluates the same whether it arrives in one part or in two. */
function checkCutOff(world: MembershipWorld, operations: readonly Operation[], membership: Membership): void {
  for (const { author } of membership.members.values()) {
    let term = membership.currentTerm(author)
    while (term?.admission !== undefined) term = term.admission.by
    assert.ok(term?.author === world.room.founder || term?.author === world.room.rescue)
  }
  const arrived = world.shuffled(operations)
  const part = arrived.slice(0, between(world.random, 0, arrived.length))
  const others = new Set(part.map(({ id }) => id))
  assert.deepEqual(said(world.membership([part, arrived.filter(({ id }) => !others.has(id))])), said(membership))
}

const randomStep = ({ random }: MembershipWorld): Omit<Step, 'by' | 'branch'> => ({
  kind: between(random, 0, 0xffff),
  subject: between(random, 0, 0xffff),
  role: between(random, 0, 0xffff),
  detail: between(random, 0, 0xffff),
})

/** A branch of a log of the author, extended by one to three operations from any place. */
function extended(set: GrowingSet, branches: readonly Writer[]): Writer {
  const { random } = set.world
  const base = branches[between(random, 0, branches.length)] as Writer
  const isAtEnd = random() < 0.5
  const branch = base.fork(isAtEnd ? base.operations.length : between(random, 0, base.operations.length + 1))
  for (let i = between(random, 1, 4); i > 0; i--) set.append(branch, randomStep(set.world))
  return branch
}

const stateOf = (term: Term | undefined): unknown => term && [term.rank, term.hasEnded, term.decidingRemoval?.id]

/** An added operation changes no term that is senior to the term in which it is signed. */
function checkSeniorsUnchanged(set: GrowingSet, operations: readonly Operation[], before: Membership): void {
  const { world } = set
  const terms = [...before.terms.values()]
  const index = between(world.random, 0, terms.length)
  const term = terms[index]
  if (term === undefined) return
  const branches = set.branchesOf(term.author).filter(branch => branch.term === term.id)
  if (branches.length === 0) return
  const after = world.membership([operations, extended(set, branches)])
  for (const senior of terms.slice(0, index))
    assert.deepEqual(stateOf(after.terms.get(`${senior.author}/${senior.id}`)), stateOf(senior), 'changed a senior')
}

/** Removed authors change nothing by adding operations. Authors who left stay out, and at most take back their own operations. */
function checkFormerMembers(
  set: GrowingSet,
  operations: readonly Operation[],
  before: Membership,
  figures: SetFigures,
): void {
  for (const author of before.former.keys()) {
    const terms = [...before.terms.values()].filter(term => term.author === author)
    const after = set.world.membership([operations, extended(set, set.branchesOf(author))])
    for (const term of terms) {
      const now = after.terms.get(`${author}/${term.id}`)
      if (now === undefined || term.operations === undefined) continue
      assert.ok(now.hasEnded, 'a former member is back')
      const counting = now.operations ?? []
      assert.deepEqual(counting, term.operations.slice(0, counting.length), 'a former member added an operation')
    }
    if (!terms.every(({ isRemoved }) => isRemoved)) continue
    assert.deepEqual(said(after), said(before), 'a removed member changed something')
    figures.removedAdditions++
  }
}

/** A key that the founder readmits, answering all removals, gets the role of that admission, and nothing else changes. */
function checkReadmission(
  { world }: GrowingSet,
  operations: readonly Operation[],
  before: Membership,
  figures: SetFigures,
): void {
  const founder = before.terms.get(`${world.founder.author}/${world.founder.term}`)
  const author = [...before.former.keys()].find(author => author !== founder?.author)
  if (founder === undefined || founder.hasEnded || author === undefined) return
  if (before.removalsOf(author).some(({ by }) => by.role === 'rescue')) return
  const branch = new Writer(world, 'founder', founder.id, founder.operations)
  const subject = world.writer(nameOf(author))
  // There may be no removal that counts, and only an admission that answers something opens a term.
  const removal = branch.remove(world.writer('nobody'))
  const answers = [...before.removalsOf(author).map(({ id }) => id), removal.id].sort()
  if (answers.length > ANSWERS_MAX) return
  branch.admit(subject, 'member', { answers })
  const after = new Map(world.membership([operations, branch]).members)
  assert.equal(after.get(author)?.role, 'member')
  after.delete(author)
  assert.deepEqual(after, before.members)
  figures.readmissions++
}

/** Peers with different subsets, each with all operations of some authors, converge on the membership of the whole set. */
function checkSettling(
  { world, branches }: GrowingSet,
  operations: readonly Operation[],
  membership: Membership,
  figures: SetFigures,
): void {
  const { random } = world
  const peers = [0, 1, 2].map(index => {
    const parts = branches.flatMap(({ operations }) =>
      random() < 2 / 3 ? operations.slice(0, between(random, 0, operations.length + 1)) : [],
    )
    const own = [...new Set(branches.map(({ author }) => author))].filter((_, number) => number % 3 === index)
    return { operations: [...parts, ...operations.filter(({ author }) => own.includes(author))], own }
  })
  const settled = world.settle(peers)
  assert.deepEqual(said(world.membership([settled])), said(membership), 'settled')
  figures.settled++
}
