import assert from 'node:assert/strict'
import { type KeyPair, SIGNATURE_BYTES } from '../../src/base/crypto/signing.js'
import { type AuthorId, authorOfKey } from '../../src/log/format/author.js'
import {
  type Admit,
  type Body,
  type ChatPlace,
  NO_OPERATION,
  type OperationId,
  type OperationPlace,
  type TermId,
} from '../../src/membership/format/body.js'
import type { checkOperation } from '../../src/membership/format/checked-operation.js'
import type { Operation, signOperation } from '../../src/membership/format/operation.js'
import type { GivenRole } from '../../src/membership/format/role.js'
import { type PrivateRoom, privateRoom } from '../../src/membership/format/room.js'
import type { operationHeads } from '../../src/membership/heads.js'
import type { Membership } from '../../src/membership/membership.js'
import type { retainedOperations } from '../../src/membership/retention.js'
import { between, type Chance, chance } from '../long/chance.js'

// A private room and the logs of its members, without cryptography: keys are names, and signatures are zeros.

/** The modules under test: as they are, or with a fault in them. */
export interface Build {
  readonly Membership: typeof Membership
  readonly retainedOperations: typeof retainedOperations
  readonly operationHeads: typeof operationHeads
  readonly signOperation: typeof signOperation
  readonly checkOperation: typeof checkOperation
}

/** Imports the modules; `query` distinguishes builds. */
export async function importBuild(query = ''): Promise<Build> {
  const files = ['membership', 'retention', 'heads', 'format/operation', 'format/checked-operation']
  const modules = await Promise.all(files.map(file => import(`../../src/membership/${file}.js${query}`)))
  return Object.assign({}, ...modules)
}

/** The key pair of a name: a key that only tests accept. */
const keysOf = (name: string): KeyPair => {
  const publicKey = Buffer.alloc(32)
  publicKey.write(name)
  return { publicKey, sign: () => new Uint8Array(SIGNATURE_BYTES) }
}

export const authorNamed = (name: string): AuthorId => authorOfKey(keysOf(name).publicKey)
export const nameOf = (author: AuthorId): string => Buffer.from(author, 'hex').toString().replaceAll('\0', '')

const NO_CONSENT = '0'.repeat(128)
const NONCE = new Uint8Array(32)

/** The chat place after `count` entries in run 0. */
export const chatUpTo = (count: number, run = 0): ChatPlace =>
  count === 0 ? [] : [{ run, seq: count, chain: count.toString(16).padStart(64, '0') }]

export const answering = (...operations: readonly Operation[]): { readonly answers: readonly OperationId[] } => ({
  answers: operations.map(({ id }) => id).sort(),
})

/** One branch of an author's log in one term. */
export class Writer {
  readonly name: string
  readonly author: AuthorId
  readonly operations: Operation[]
  readonly #world: MembershipWorld
  readonly #keys: KeyPair
  readonly #term: TermId

  constructor(
    world: MembershipWorld,
    name: string,
    term: TermId = NO_OPERATION,
    operations: readonly Operation[] = [],
  ) {
    this.#world = world
    this.name = name
    this.#keys = keysOf(name)
    this.author = authorNamed(name)
    this.#term = term
    this.operations = [...operations]
  }

  get term(): TermId {
    return this.#term
  }

  write(body: Body): Operation {
    const next = { term: this.#term, seq: this.operations.length + 1, previous: this.at().id }
    const operation = this.#world.build.signOperation(this.#world.room.id, this.#keys, next, body)
    this.operations.push(operation)
    return operation
  }

  admit(subject: Writer | string, role: GivenRole = 'member', more: Partial<Admit> = {}): Operation {
    const author = typeof subject === 'string' ? authorNamed(subject) : subject.author
    return this.write({ kind: 'admit', subject: author, role, consent: NO_CONSENT, time: 0, ...more })
  }

  /** Removes the author of a branch, at its end or after its first `count` operations. */
  remove(branch: Writer, count = branch.operations.length, chat = 10): Operation {
    return this.write({
      kind: 'remove',
      subject: branch.author,
      place: branch.at(count),
      chat: chatUpTo(chat),
      time: 0,
    })
  }

  leave(chat = 4): Operation {
    return this.write({ kind: 'leave', chat: chatUpTo(chat), time: 0 })
  }

  /** The place after the first `count` operations. */
  at(count = this.operations.length): OperationPlace {
    return { term: this.#term, seq: count, id: this.operations[count - 1]?.id ?? NO_OPERATION }
  }

  /** Another branch of the same log, with the same first `count` operations. */
  fork(count: number): Writer {
    return new Writer(this.#world, this.name, this.#term, this.operations.slice(0, count))
  }

  /** The log that an admission with answers opens. */
  again(admission: Operation): Writer {
    return new Writer(this.#world, this.name, admission.id)
  }
}

export type Source = Writer | readonly Operation[]

export interface WorldOptions {
  readonly hasRescue?: boolean
  readonly seed?: number
}

export class MembershipWorld {
  readonly build: Build
  readonly room: PrivateRoom
  readonly founder: Writer
  readonly rescue: Writer
  readonly alice: Writer
  readonly bob: Writer
  readonly carol: Writer
  readonly dave: Writer
  readonly random: Chance

  constructor(build: Build, { hasRescue = false, seed = 1 }: WorldOptions = {}) {
    this.build = build
    this.random = chance(seed)
    const rescue = hasRescue ? authorNamed('rescue') : undefined
    this.room = privateRoom(authorNamed('founder'), NONCE, rescue)
    this.founder = this.writer('founder')
    this.rescue = this.writer('rescue')
    this.alice = this.writer('alice')
    this.bob = this.writer('bob')
    this.carol = this.writer('carol')
    this.dave = this.writer('dave')
    this.founder.write({
      kind: 'open',
      name: 'opened',
      nonce: Buffer.from(NONCE).toString('hex'),
      time: 1,
      ...(rescue !== undefined && { rescue }),
    })
  }

  writer(name: string): Writer {
    return new Writer(this, name)
  }

  membership(sources: readonly Source[]): Membership {
    return new this.build.Membership(this.room, operationsOf(sources))
  }

  /** What a peer keeps that runs the programs of some authors. */
  kept(operations: readonly Operation[], own: readonly AuthorId[] = []): Operation[] {
    const membership = new this.build.Membership(this.room, operations)
    if (own.length === 0) return this.build.retainedOperations(membership)
    const kept = own.flatMap(author => this.build.retainedOperations(membership, author))
    return [...new Map(kept.map(operation => [operation.id, operation])).values()]
  }

  /** Evaluates the operations, and checks that neither order nor repetition matters, and that what is kept says the same. */
  evaluate(...sources: readonly Source[]): Membership {
    const operations = operationsOf(sources)
    const membership = this.membership([operations])
    const isLarge = operations.length > 300
    for (let times = isLarge ? 1 : 3; times > 0; times--)
      assert.deepEqual(
        said(this.membership([this.shuffled([...operations, ...operations.slice(0, 3)])])),
        said(membership),
      )
    if (!isLarge) assert.deepEqual(said(this.membership([this.kept(operations)])), said(membership), 'kept')
    return membership
  }

  /** The names of the members, in order. */
  members(...sources: readonly Source[]): string {
    return namesOf(this.evaluate(...sources))
  }

  /** Lets peers exchange operations in pairs until all have the same. Returns the operations that are kept at the end. */
  settle(
    peers: readonly { readonly operations: readonly Operation[]; readonly own?: readonly AuthorId[] }[],
  ): Operation[] {
    const kept = peers.map(({ operations, own }) => this.kept(operations, own))
    const meet = (a: number, b: number): void => {
      const both = this.#exchanged(kept[a] ?? [], kept[b] ?? [])
      for (const [index, operations] of [[a, both[0]] as const, [b, both[1]] as const])
        kept[index] = this.kept(operations, peers[index]?.own)
    }
    const isSettled = (): boolean => new Set(kept.map(sharedIds)).size === 1
    const sharedIds = (operations: readonly Operation[]): string =>
      this.kept(operations)
        .map(({ id }) => id)
        .sort()
        .join()
    for (let i = 0; i < 4 * peers.length; i++) {
      const a = between(this.random, 0, peers.length)
      meet(a, (a + between(this.random, 1, peers.length)) % peers.length)
    }
    for (let round = 0; round < 8 && !isSettled(); round++)
      for (let a = 0; a < peers.length; a++) for (let b = 0; b < a; b++) meet(b, a)
    assert.ok(isSettled(), 'the peers settle')
    return this.kept(kept[0] ?? [])
  }

  shuffled<T>(items: readonly T[]): T[] {
    const shuffled = [...items]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = between(this.random, 0, i + 1)
      ;[shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T]
    }
    return shuffled
  }

  /** Both sets after each side sent what the other lacks of the logs whose heads differ. */
  #exchanged(a: readonly Operation[], b: readonly Operation[]): [Operation[], Operation[]] {
    const [headsA, headsB] = [this.build.operationHeads(a), this.build.operationHeads(b)]
    const missing = (from: readonly Operation[], to: readonly Operation[]): Operation[] => {
      const ids = new Set(to.map(({ id }) => id))
      return from.filter(({ id, author, term }) => {
        const [headA, headB] = [headsA, headsB].map(heads => heads.get(`${author}/${term}`))
        return (headA?.digest !== headB?.digest || headA?.count !== headB?.count) && !ids.has(id)
      })
    }
    return [
      [...a, ...missing(b, a)],
      [...b, ...missing(a, b)],
    ]
  }
}

const operationsOf = (sources: readonly Source[]): Operation[] =>
  sources.flatMap(source => (source instanceof Writer ? source.operations : source))

/** The result of an evaluation, as data to compare. */
export const said = (membership: Membership) => ({
  members: [...membership.members.values()].map(member => ({ ...member, author: nameOf(member.author) })),
  former: [...membership.former.values()],
  waiting: membership.waiting,
  name: membership.name,
  keep: membership.keep,
  erasures: membership.erasures,
  invitations: membership.invitations,
  warnings: membership.warnings,
})

export const namesOf = ({ members }: Membership): string => [...members.keys()].map(nameOf).join(' ')

/** The roles of the members by name. */
export const rolesOf = ({ members }: Membership): Record<string, string> =>
  Object.fromEntries([...members.values()].map(({ author, role }) => [nameOf(author), role]))

/** How many members have a name that begins so. */
export const countNamed = ({ members }: Membership, prefix: string): number =>
  [...members.keys()].filter(author => nameOf(author).startsWith(prefix)).length

/** How many entries of a former member's run 0 count at most. */
export const chatOf = ({ former }: Membership, { author }: Writer): number =>
  Math.max(0, ...[...(former.get(author)?.chat.values() ?? [])].flatMap(chat => chat.map(({ seq }) => seq)))
