import type { Cancel, Clock, Millis } from '../../base/clock.js'
import type { KeyPair } from '../../base/crypto/signing.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import type { IntroductionFrame, KnockRefusal } from '../../membership/exchange/introduction-frames.js'
import { signCard } from '../../membership/format/card.js'
import { checkOperation, openedRoom } from '../../membership/format/checked-operation.js'
import { signConsent } from '../../membership/format/consent.js'
import type { Operation } from '../../membership/format/operation.js'
import type { PrivateRoom } from '../../membership/format/room.js'
import { type InvitationCode, isCodeFor } from '../../membership/invitation/invitation-code.js'
import { type InvitationKeys, invitationKeys, signProofOfUse } from '../../membership/invitation/invitation-keys.js'
import { Membership } from '../../membership/membership.js'

/** Bytes of operations that one peer may send before it has proven the room. */
const WELCOME_BYTES_MAX = 4 * 1024 * 1024

/** How long other peers may take to admit us after one peer has refused. */
const REFUSAL_MS = 1_000
/**
 * How long a peer that was asked to admit us may take to answer. Until then, another peer's refusal does not end the
 * search, even if the connection is lost: the peer may have signed the admission already. In a closed room an admin
 * decides, and may take longer.
 */
const ANSWER_MS = 30_000

export interface FoundRoom {
  readonly room: PrivateRoom
  readonly name: string
  readonly operations: readonly Operation[]
  /** Whether only admins admit, each newcomer one by one. */
  readonly isClosed: boolean
  /** Who admitted us; undefined while nobody has. */
  readonly by: AuthorId | undefined
  /** Whether we have asked to be admitted; if not, we were a member already, and may have signed operations in the room. */
  readonly isNewcomer: boolean
}

export interface SeekerHooks {
  /** A peer shows the room, and was asked to admit us. */
  onFound(found: FoundRoom, by: AuthorId): void
  onAdmitted(found: FoundRoom): void
  /** A peer refused, for this reason, and no other peer that was asked can still admit us. `aheadMs`: how far the clock of the refusing peer is ahead of ours. */
  onRefused(reason: KnockRefusal, until: number, by: AuthorId, aheadMs: number): void
}

/** What a peer has to know before it can admit us. */
interface SelfEvidence {
  readonly room: Uint8Array
  /** Our own operations, up to our leave. */
  readonly operations: readonly Operation[]
}

interface JoinRequest {
  readonly consent: string
  readonly use: Uint8Array
  /** Our card. */
  readonly card: Uint8Array | undefined
}

type Shown = Extract<IntroductionFrame, { readonly kind: 'welcome' | 'admitted' }>

/** Looks for the room of a code: knocks at peers, checks what they show, and asks to be admitted. */
export class RoomSeeker {
  readonly keys: InvitationKeys
  /** The secret of the tag by which the code is recognised. */
  readonly find: Uint8Array
  readonly #code: InvitationCode
  readonly #own: KeyPair
  readonly #hooks: SeekerHooks
  readonly #clock: Clock
  readonly #known: () => readonly Operation[]
  readonly #name: string | undefined
  #refusal: Cancel | undefined
  /** Peers that were asked to admit us and have not answered, and until when an answer is awaited. */
  readonly #asked = new Map<object, Millis>()
  #hasAsked = false
  /** What each peer has shown so far. */
  readonly #shown = new WeakMap<object, { readonly items: Uint8Array[]; bytes: number }>()

  /**
   * `known` returns the operations of the room on our disk, if we were in it: a removed member may show the room as it
   * was before the removal. `name` is the name in our card until we open the room.
   */
  constructor(
    code: InvitationCode,
    own: KeyPair,
    hooks: SeekerHooks,
    clock: Clock,
    known: () => readonly Operation[] = () => [],
    name?: string,
  ) {
    this.#name = name
    this.keys = invitationKeys(code.seed)
    this.find = Buffer.from(this.keys.find, 'hex')
    this.#code = code
    this.#own = own
    this.#hooks = hooks
    this.#clock = clock
    this.#known = known
  }

  /**
   * A part of a peer's answer to a knock. Returns the request to admit us, once the room is proven, or the evidence that the peer needs first.
   * `peer` identifies the peer.
   */
  shown(peer: object, by: AuthorId, { kind, room: id, items, isLast }: Shown): JoinRequest | SelfEvidence | undefined {
    if (!isCodeFor(this.#code, id)) return undefined
    const before = this.#shown.get(peer) ?? { items: [], bytes: 0 }
    this.#shown.set(peer, before)
    for (const { length } of items) before.bytes += length
    if (before.bytes > WELCOME_BYTES_MAX) return undefined
    // Copied, because the items are views of the receive buffer.
    before.items.push(...items.map(item => Uint8Array.from(item)))
    if (!isLast) return undefined
    this.#shown.delete(peer)
    const found = this.#read(id, before.items)
    if (found === undefined) return undefined
    const me = authorOfKey(this.#own.publicKey)
    if (kind === 'admitted') {
      const member = found.membership.members.get(me)
      if (member === undefined) {
        // We have left the room, and the peer does not know it yet.
        const operations = this.#known().filter(({ author }) => author === me)
        return operations.length > 0 ? { room: id, operations } : undefined
      }
      this.#asked.clear()
      this.#refusal?.()
      this.#hooks.onAdmitted({ ...found, by: member.by, isNewcomer: this.#hasAsked })
      return undefined
    }
    const invitation = found.membership.invitations.find(each => each.id === this.keys.id)
    if (invitation?.state !== 'open') return undefined
    this.#hasAsked = true
    this.#forgetLateAnswers()
    this.#asked.set(peer, found.isClosed ? Number.POSITIVE_INFINITY : this.#clock.now() + ANSWER_MS)
    this.#hooks.onFound({ ...found, by: undefined, isNewcomer: true }, by)
    const card = this.#name === undefined ? undefined : firstCard(id, this.#own, this.#name)
    return { consent: signConsent(id, this.#own), use: signProofOfUse(id, this.keys.invite, me), card }
  }

  /** `peer` refused to admit us. Another peer may still admit us: its clock or its operations may differ. */
  refused(
    { reason, until }: Extract<IntroductionFrame, { readonly kind: 'refused' }>,
    by: AuthorId,
    peer: object,
    aheadMs: Millis,
  ): void {
    this.#asked.delete(peer)
    const end = (): void => {
      this.#forgetLateAnswers()
      if (this.#asked.size === 0) this.#hooks.onRefused(reason, until, by, aheadMs)
      else this.#refusal = this.#clock.after(REFUSAL_MS, end)
    }
    this.#refusal ??= this.#clock.after(REFUSAL_MS, end)
  }

  /** The connection with `peer` is lost. */
  disconnected(peer: object): void {
    const answersUntil = this.#asked.get(peer)
    if (answersUntil !== undefined) this.#asked.set(peer, Math.min(answersUntil, this.#clock.now() + ANSWER_MS))
  }

  #forgetLateAnswers(): void {
    for (const [peer, answersUntil] of this.#asked) if (answersUntil <= this.#clock.now()) this.#asked.delete(peer)
  }

  #read(id: Uint8Array, items: readonly Uint8Array[]) {
    const room = openedRoom(id, items[0] ?? new Uint8Array(0))
    if (room === undefined) return undefined
    const operations: Operation[] = []
    for (const bytes of items) {
      const checked = checkOperation(room, bytes)
      if (checked.kind === 'rejected') return undefined
      operations.push(checked.operation)
    }
    const membership = new Membership(room, [...operations, ...this.#known()])
    return { room, name: membership.name ?? '', isClosed: membership.isClosed, operations, membership }
  }
}

/** Our card with the lowest version, which every later one replaces. */
const firstCard = (room: Uint8Array, own: KeyPair, name: string): Uint8Array =>
  signCard(room, own, 0, { name, isRelay: false }).bytes
