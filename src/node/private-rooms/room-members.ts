import { EventEmitter } from 'node:events'
import type { KeyPair } from '../../base/crypto/signing.js'
import { ChatError } from '../../base/errors.js'
import { bufferOf, utf8 } from '../../base/wire/bytes.js'
import { shortKey } from '../../chat/display-names.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import type { Log } from '../../log/log.js'
import type { DoubtReason } from '../../log/mark/doubt.js'
import { checked, unchecked } from '../../log/store/checked-row.js'
import type { SharedRows } from '../../log/store/shared-rows.js'
import type { Write } from '../../log/store/store.js'
import { nextPlace } from '../../membership/drafting.js'
import type { Body, Given, OperationId } from '../../membership/format/body.js'
import { type Card, newerCard, readCard, signCard } from '../../membership/format/card.js'
import { checkOperation } from '../../membership/format/checked-operation.js'
import { decodeOperation, type Operation, signOperation } from '../../membership/format/operation.js'
import { keyBytes, type PrivateRoom } from '../../membership/format/room.js'
import { lostBodies } from '../../membership/lost-operations.js'
import { Membership } from '../../membership/membership.js'
import { type Refusal, refusalOf } from '../../membership/refusal.js'
import { retainedOperations } from '../../membership/retention.js'
import type { Circle } from '../circle.js'
import { AdmissionDesk } from './admission-desk.js'
import { type DatedLog, givenNow } from './newcomer-history.js'
import { type OperationsMark, OwnOperations } from './own-operations.js'

const OPERATIONS = utf8('g')
const CARDS = utf8('m')
const REFUSED = utf8('k')
/** The prefixes of all rows about the members of a room. */
export const MEMBERSHIP_ROWS = [OPERATIONS, CARDS, REFUSED] as const
/** Bytes of a term and of an id in a key. */
const PREFIX_BYTES = 8

interface RoomMembersEvents {
  /** Operations were stored. `added` are those that are sent to other members from now on. */
  change: [added: readonly Operation[]]
  cards: [readonly Card[]]
  /** Our operations were signed again, because they were on a branch that does not count. */
  repeated: [readonly Operation[]]
}

/** Drafts an operation, or returns the reason why there is none. */
export type OperationDraft = (membership: Membership) => Body | Refusal

/** The part of a log that stores rows besides entries, and knows the dates of its lines. */
export type MembersStorage = Pick<Log, 'rowsUnder' | 'writable'> & DatedLog

/**
 * The members of a private room, evaluated from the operations on this disk. An operation takes effect when it is
 * persisted. Batches are evaluated and stored one after the other.
 */
export class RoomMembers extends EventEmitter<RoomMembersEvents> implements Circle {
  readonly room: PrivateRoom
  readonly me: AuthorId
  /** Newcomers who wait for our decision, if only admins admit (`isClosed`). */
  readonly desk: AdmissionDesk
  readonly #keys: KeyPair
  readonly #log: MembersStorage
  readonly #operationRows: SharedRows
  readonly #cardRows: SharedRows
  readonly #cards = new Map<AuthorId, Card>()
  readonly #own: OwnOperations
  /** The operations on disk. */
  #stored = new Map<OperationId, Operation>()
  #sent: readonly Operation[] = []
  #membership: Membership
  #queue: Promise<unknown> = Promise.resolve()

  private constructor(room: PrivateRoom, keys: KeyPair, log: MembersStorage, mark: OperationsMark | undefined) {
    super()
    this.setMaxListeners(0)
    this.room = room
    this.me = authorOfKey(keys.publicKey)
    this.#keys = keys
    this.#log = log
    this.#operationRows = log.rowsUnder(OPERATIONS)
    this.#cardRows = log.rowsUnder(CARDS)
    const refused = log.rowsUnder(REFUSED)
    this.desk = new AdmissionDesk({ all: () => refused.all(), write: writes => this.#write(refused, writes) })
    this.#membership = new Membership(room, [])
    this.#own = new OwnOperations(this.me, mark)
  }

  /** Reads what is stored in the database of a room. `mark` records the end of our operations; `close` releases it. */
  static async open(
    room: PrivateRoom,
    keys: KeyPair,
    log: MembersStorage,
    mark?: OperationsMark,
  ): Promise<RoomMembers> {
    const members = new RoomMembers(room, keys, log, mark)
    let operations = await members.#readOperations()
    const unfinished = await members.#own.compare(operations)
    if (unfinished.length > 0) {
      await members.#operationRows.write(unfinished)
      operations = await members.#readOperations()
      await members.#own.compare(operations)
    }
    for (const [, value] of await members.#cardRows.all()) {
      const card = readCard(room.id, unchecked(value) ?? value)
      if (card !== undefined) members.#cards.set(card.author, card)
    }
    await members.desk.read()
    members.#use(new Membership(room, operations))
    return members
  }

  get id(): Uint8Array {
    return this.room.id
  }

  /** The members. */
  get authors(): Iterable<AuthorId> {
    return this.#membership.members.keys()
  }

  get membership(): Membership {
    return this.#membership
  }

  /** The history that a newcomer gets if we admit them now. */
  givenNow(): Promise<Given> {
    return givenNow(this.#membership, this.me, this.#log)
  }

  /** Why we sign nothing for now: this disk may lack operations of ours. */
  get doubt(): DoubtReason | undefined {
    return this.#own.doubt
  }

  /** All our operations are on this disk: we have just entered the room, a member has shown what they have, or the user says so. */
  settleDoubt(): Promise<void> {
    return this.#next(async () => {
      if (this.#own.doubt === undefined) return
      await this.#own.settle(this.#stored.values())
      await this.#repeat()
    })
  }

  /** The operations that other members get, in the order of evaluation. */
  get sent(): readonly Operation[] {
    return this.#sent
  }

  /** The cards of those who are or were members. */
  get cards(): Iterable<Card> {
    return this.#cards.values()
  }

  /** What a member calls themselves; undefined if no card of theirs is known. */
  nameOf(author: AuthorId): string | undefined {
    return this.#cards.get(author)?.name
  }

  /** The members whose machines stay in the room, to keep it for the others. */
  get keepers(): readonly AuthorId[] {
    return [...this.#cards.values()].flatMap(({ author, isKeeper }) =>
      isKeeper === true && this.isMember(author) ? [author] : [],
    )
  }

  /** Whether a key is a member's, ours included. */
  isMember(key: string): boolean {
    return this.#membership.members.has(key as AuthorId)
  }

  /** Checks received bytes as operations of this room; undefined if any of them is invalid. */
  check(items: readonly Uint8Array[]): Operation[] | undefined {
    const operations: Operation[] = []
    for (const bytes of items) {
      const known = this.#stored.get(decodeOperation(this.room.id, bytes)?.id ?? ('' as OperationId))
      const operation = known ?? this.#checked(bytes)
      if (operation === undefined) return undefined
      operations.push(operation)
    }
    return operations
  }

  /**
   * Stores checked operations that are worth keeping, in one batch. Resolves when they take effect. Retries while the
   * disk fails.
   */
  add(operations: readonly Operation[]): Promise<void> {
    return this.#next(async () => {
      await this.#add(operations)
      await this.#repeat()
    })
  }

  /**
   * Signs consecutive operations and stores them in one batch. Each is drafted against the membership that results from those before it.
   * If one is refused, none is signed. Rejects like writes to the log.
   */
  sign(...drafts: readonly OperationDraft[]): Promise<readonly Operation[] | Refusal> {
    return this.signAs(this.#keys, ...drafts)
  }

  /** Signs like `sign`, with another key, such as the rescue key. */
  signAs(keys: KeyPair, ...drafts: readonly OperationDraft[]): Promise<readonly Operation[] | Refusal> {
    const author = authorOfKey(keys.publicKey)
    return this.#next(async () => {
      const { doubt } = this.#own
      if (doubt !== undefined && author === this.me) return { kind: 'in-doubt', reason: doubt }
      const signed: Operation[] = []
      let membership = this.#membership
      for (const draft of drafts) {
        const body = draft(membership)
        if (isRefusal(body)) return body
        const operation = this.#signed(keys, membership, body)
        if ('kind' in operation) return operation
        signed.push(operation)
        membership = new Membership(this.room, [...this.#stored.values(), ...signed])
      }
      await this.#add(signed)
      return signed
    })
  }

  #signed(keys: KeyPair, membership: Membership, body: Body): Operation | Refusal {
    const author = authorOfKey(keys.publicKey)
    const refusal = refusalOf(membership, author, body)
    const place = nextPlace(membership, author)
    if (refusal !== undefined || place === undefined) return refusal ?? { kind: 'not-a-member' }
    return signOperation(this.room.id, keys, place, body)
  }

  /** Signs our operations on losing branches again, except those that are no longer possible. */
  async #repeat(): Promise<void> {
    if (this.#own.doubt !== undefined) return
    const signed: Operation[] = []
    let membership = this.#membership
    for (const body of lostBodies(membership, this.me)) {
      const operation = this.#signed(this.#keys, membership, body)
      if ('kind' in operation) continue
      signed.push(operation)
      membership = new Membership(this.room, [...this.#stored.values(), ...signed])
    }
    if (signed.length === 0) return
    await this.#add(signed)
    this.emit('repeated', signed)
  }

  /** Stores the founder's first operation. */
  async found(opening: Operation): Promise<void> {
    await this.settleDoubt()
    await this.add([opening])
  }

  /** Resolves when the mark is released. The caller closes the log that stores the operations. */
  async close(): Promise<void> {
    await this.settled()
    await this.#own.close()
  }

  /**
   * Puts this name into our card, as soon as we are a member. `isKeeper`: whether this machine stays in the room;
   * default: as in our current card.
   */
  introduceAs(name: string, isKeeper?: boolean): void {
    const introduce = (): void => {
      const known = this.#cards.get(this.me)
      const keeps = isKeeper ?? known?.isKeeper ?? false
      if ((known?.name === name && (known.isKeeper ?? false) === keeps) || !this.isMember(this.me)) return
      const content = { name, isRelay: false, ...(keeps && { isKeeper: true as const }) }
      const card = signCard(this.room.id, this.#keys, (known?.version ?? 0) + 1, content)
      this.addCards([card]).catch(() => {}) // the room was closed
    }
    this.on('change', introduce)
    introduce()
  }

  /** Verifies cards of others, and stores those of people who are or were members, if they are newer than the known ones. */
  takeCards(items: readonly Uint8Array[]): Promise<void> {
    const cards = items.flatMap(bytes => readCard(this.room.id, bytes) ?? [])
    return this.addCards(cards)
  }

  addCards(cards: readonly Card[]): Promise<void> {
    return this.#next(async () => {
      const fresh = cards.filter(card => {
        const known = this.#cards.get(card.author)
        return (
          this.#isListed(card.author) &&
          (known === undefined || (newerCard(card, known) === card && !isSame(card, known)))
        )
      })
      if (fresh.length === 0) return
      await this.#write(
        this.#cardRows,
        fresh.map(({ author, bytes }) => ({ type: 'put', key: keyBytes(author), value: checked(bytes) })),
      )
      for (const card of fresh) this.#cards.set(card.author, card)
      this.emit('cards', fresh)
    })
  }

  /** Whether somebody is listed in the room. Includes former members, so that everybody sees the same names for them. */
  #isListed(author: AuthorId): boolean {
    const { former, waiting } = this.#membership
    return this.isMember(author) || former.has(author) || waiting.includes(author)
  }

  /** Resolves when all pending operations and cards are stored or refused. */
  async settled(): Promise<void> {
    await this.#queue
  }

  async #add(operations: readonly Operation[]): Promise<void> {
    const fresh = operations.filter(({ id }) => !this.#stored.has(id))
    if (fresh.length === 0) return
    const before = new Set(this.#sent.map(({ id }) => id))
    const membership = new Membership(this.room, [...this.#stored.values(), ...fresh])
    const stored = new Map(retainedOperations(membership, this.me).map(operation => [operation.id, operation]))
    const writes: Write[] = [
      ...[...stored.values()]
        .filter(({ id }) => !this.#stored.has(id))
        .map(operation => ({ type: 'put' as const, key: rowKey(operation), value: checked(operation.bytes) })),
      ...[...this.#stored.values()]
        .filter(({ id }) => !stored.has(id))
        .map(operation => ({ type: 'del' as const, key: rowKey(operation) })),
    ]
    if (writes.length === 0) return
    const puts = writes.flatMap(write => (write.type === 'put' ? [write] : []))
    await Promise.all([
      this.#own.advance(this.#stored.values(), stored.values(), puts),
      this.#write(this.#operationRows, writes),
    ])
    this.#use(membership)
    this.emit(
      'change',
      this.#sent.filter(({ id }) => !before.has(id)),
    )
  }

  #use(membership: Membership): void {
    const kept = retainedOperations(membership, this.me)
    this.#stored = new Map(kept.map(operation => [operation.id, operation]))
    this.#sent = retainedOperations(membership)
    this.#membership = membership
  }

  async #readOperations(): Promise<Operation[]> {
    return (await this.#operationRows.all()).flatMap(([, value]) => {
      const bytes = unchecked(value)
      return (bytes && decodeOperation(this.room.id, bytes)) ?? []
    })
  }

  #checked(bytes: Uint8Array): Operation | undefined {
    const result = checkOperation(this.room, bytes)
    return result.kind === 'operation' ? result.operation : undefined
  }

  /** Writes rows; retries after each failure of the disk. */
  async #write(rows: SharedRows, writes: readonly Write[]): Promise<void> {
    for (;;) {
      try {
        return await rows.write(writes)
      } catch (error) {
        if (!(error instanceof ChatError) || error.code === 'LOG_CLOSED') throw error
        await this.#log.writable()
      }
    }
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work)
    this.#queue = done.catch(() => {})
    return done
  }
}

/** The name of a person as shown to users, or the beginning of their key. */
export const nameIn = (members: Pick<RoomMembers, 'nameOf'>, author: AuthorId): string =>
  members.nameOf(author) ?? shortKey(author)

const isRefusal = (value: Body | Refusal): value is Refusal => !('time' in value)

const isSame = (a: Card, b: Card): boolean => Buffer.compare(a.bytes, b.bytes) === 0

/** Key ‖ first bytes of the term ‖ u32 seq ‖ first bytes of the id. */
function rowKey({ author, term, seq, id }: Operation): Uint8Array {
  const key = Buffer.alloc(32 + PREFIX_BYTES + 4 + PREFIX_BYTES)
  key.set(keyBytes(author))
  key.set(Buffer.from(term, 'hex').subarray(0, PREFIX_BYTES), 32)
  key.writeUInt32BE(seq, 32 + PREFIX_BYTES)
  key.set(bufferOf(Buffer.from(id, 'hex')).subarray(0, PREFIX_BYTES), 32 + PREFIX_BYTES + 4)
  return key
}
