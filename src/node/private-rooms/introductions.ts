import type { Clock } from '../../base/clock.js'
import { hexOf, sameBytes } from '../../base/wire/bytes.js'
import type { AuthorId } from '../../log/format/author.js'
import { termsOf } from '../../membership/drafting.js'
import type { Invitation } from '../../membership/evaluation/invitation-record.js'
import { endEvidence, evidenceOf, membershipEvidence, refutationOf } from '../../membership/evidence.js'
import {
  decodeIntroductionFrame,
  encodeEvidence,
  encodeJoin,
  encodeKnock,
  encodeNewcomerCard,
  encodeRefused,
  encodeWelcome,
  type IntroductionFrame,
  type KnockRefusal,
} from '../../membership/exchange/introduction-frames.js'
import type { OperationId } from '../../membership/format/body.js'
import { readCard } from '../../membership/format/card.js'
import { isValidConsent } from '../../membership/format/consent.js'
import type { Operation } from '../../membership/format/operation.js'
import { isProofOfUse } from '../../membership/invitation/invitation-keys.js'
import { admissionBy, type JoinRefusal, joinRefusalOf } from '../../membership/invitation/joining.js'
import type { Membership } from '../../membership/membership.js'
import type { Refusal } from '../../membership/refusal.js'
import type { ProvenPeer } from '../../net/upgrader.js'
import { EvidenceChecks, type EvidenceMembers, EvidenceSource } from './evidence-checks.js'
import type { RoomMembers } from './room-members.js'
import type { RoomSeeker } from './room-seeker.js'

/** Largest number of knocks and requests to be admitted that are answered on one connection. */
const KNOCKS_MAX = 8
/** Time for a peer to check that we have left, before we knock again. */
const KNOCK_AGAIN_MS = 1_000

/** A private room that the user has left and deleted here. */
export interface ForgottenRoom {
  readonly id: Uint8Array
  readonly members: ReadonlySet<string>
  /** The last operations of the user, with their leave. */
  readonly operations: readonly Pick<Operation, 'bytes'>[]
}

interface Peer extends ProvenPeer {
  readonly key: AuthorId
  /** The evidence that was sent for each room: the number of operations, and the last one. */
  readonly sent: Map<RoomMembers, string>
  readonly evidence: EvidenceSource
  /** Operations that were sent because they contradict a removal. */
  readonly refuting: Set<OperationId>
  /** Rooms that the user left, and whose leave was sent to the peer. */
  readonly left: Set<ForgottenRoom>
  knocks: number
  /** Their latest card, not checked yet. */
  card: Uint8Array | undefined
}

type FrameOf<K extends IntroductionFrame['kind']> = Extract<IntroductionFrame, { readonly kind: K }>

/**
 * Lets peers open a channel of a private room that they do not share yet: a member proves to another that they were admitted, a
 * removed member is sent the removal, and a newcomer knocks with a code. Strangers get no answer at all, so they cannot tell a room
 * from one that does not exist. docs/protocol/membership.md §9.12.
 */
export class Introductions {
  readonly #clock: Clock
  /** Open private rooms. */
  readonly #rooms = new Set<RoomMembers>()
  readonly #seekers = new Set<RoomSeeker>()
  /** Left and deleted rooms, by id. */
  readonly #forgotten = new Map<string, ForgottenRoom>()
  readonly #peers = new Set<Peer>()
  readonly #evidence: EvidenceChecks<Peer>

  constructor(clock: Clock) {
    this.#clock = clock
    this.#evidence = new EvidenceChecks(clock, (peer, members, operations, before) => {
      if (members.isMember(peer.key)) this.#refute(peer, members, operations, before)
      else this.#explain(peer, members, operations)
    })
  }

  /** A peer has proven its key. */
  proven({ remote, multiplexer }: ProvenPeer): void {
    const peer: Peer = {
      remote,
      multiplexer,
      key: remote.key as AuthorId,
      sent: new Map(),
      evidence: new EvidenceSource(),
      refuting: new Set(),
      left: new Set(),
      knocks: 0,
      card: undefined,
    }
    this.#peers.add(peer)
    multiplexer.once('closed', () => {
      this.#peers.delete(peer)
      for (const seeker of this.#seekers) seeker.disconnected(peer)
    })
    multiplexer.on('rooms', () => {
      for (const members of this.#rooms) this.#introduce(peer, members)
      for (const seeker of this.#seekers) this.#knock(peer, seeker)
      for (const room of this.#forgotten.values()) this.#sendLeave(peer, room)
    })
    multiplexer.on('control', body => this.#receive(peer, body))
  }

  /** Connected peers. */
  get peerCount(): number {
    return this.#peers.size
  }

  /** Whether a peer whose key begins with `shortKey` is connected. */
  isConnectedTo(shortKey: string): boolean {
    for (const { key } of this.#peers) if (key.startsWith(shortKey)) return true
    return false
  }

  /** A private room was opened. Returns a function that removes it. */
  add(members: RoomMembers): () => void {
    this.#forgotten.delete(hexOf(members.room.id))
    this.#rooms.add(members)
    const changed = (): void => {
      for (const peer of this.#peers) this.#introduce(peer, members)
    }
    members.on('change', changed)
    changed()
    return () => {
      this.#rooms.delete(members)
      members.off('change', changed)
    }
  }

  /** Sends our leave to each member who still names the room to us, now and later. */
  forget(room: ForgottenRoom): void {
    this.#forgotten.set(hexOf(room.id), room)
    for (const peer of this.#peers) this.#sendLeave(peer, room)
  }

  /** Knocks at all peers, now and later. Returns a function that stops it. */
  seek(seeker: RoomSeeker): () => void {
    this.#seekers.add(seeker)
    for (const peer of this.#peers) this.#knock(peer, seeker)
    return () => this.#seekers.delete(seeker)
  }

  /**
   * If a member does not offer us the room, sends them the evidence of our membership; if a former member still offers it,
   * sends them the evidence that they are no longer a member.
   */
  #introduce(peer: Peer, members: RoomMembers): void {
    const { multiplexer, key, sent } = peer
    if (!multiplexer.hasTheirRooms) return
    const isTheirs = multiplexer.isOfferedByOther(members.room.id)
    const isAdmitted = members.isMember(key)
    if (isAdmitted === isTheirs) return
    const { membership, me } = members
    const evidence = isAdmitted ? membershipEvidence(membership, me) : endEvidence(membership, key)
    const summary = `${evidence?.length} ${evidence?.at(-1)?.id}`
    if (evidence === undefined || sent.get(members) === summary) return
    sent.set(members, summary)
    const tag = multiplexer.tagOf(members.room.id, 'us')
    for (const body of encodeEvidence(isAdmitted ? 'evidence' : 'ended', tag, evidence)) multiplexer.sendControl(body)
  }

  #sendLeave({ multiplexer, key, left }: Peer, room: ForgottenRoom): void {
    if (left.has(room) || !room.members.has(key) || !multiplexer.isOfferedByOther(room.id)) return
    left.add(room)
    for (const body of encodeEvidence('evidence', multiplexer.tagOf(room.id, 'us'), room.operations))
      multiplexer.sendControl(body)
  }

  #knock({ multiplexer }: Peer, { find }: RoomSeeker): void {
    if (multiplexer.hasTheirRooms) multiplexer.sendControl(encodeKnock(multiplexer.tagOf(find, 'us')))
  }

  #receive(peer: Peer, body: Uint8Array): void {
    const frame = decodeIntroductionFrame(body)
    switch (frame?.kind) {
      case 'evidence':
      case 'ended':
        this.#evidence.take(peer, this.#roomOf(peer, frame.tag), frame.items)
        break
      case 'knock':
        if (++peer.knocks <= KNOCKS_MAX) this.#answerKnock(peer, frame)
        break
      case 'card':
        if (this.#invitationOf(peer.multiplexer, frame.tag) !== undefined) peer.card = frame.card
        break
      case 'join':
        if (++peer.knocks <= 2 * KNOCKS_MAX) void this.#admit(peer, frame).catch(() => {})
        break
      case 'welcome':
      case 'admitted': {
        const seeker = this.#seekerOf(peer, frame)
        const request = seeker?.shown(peer, peer.key, frame)
        if (seeker === undefined || request === undefined) break
        if ('operations' in request) {
          const roomTag = peer.multiplexer.tagOf(request.room, 'us')
          for (const page of encodeEvidence('evidence', roomTag, request.operations)) peer.multiplexer.sendControl(page)
          this.#clock.after(KNOCK_AGAIN_MS, () => this.#seekers.has(seeker) && this.#knock(peer, seeker))
          break
        }
        const tag = peer.multiplexer.tagOf(seeker.find, 'us')
        if (request.card !== undefined) peer.multiplexer.sendControl(encodeNewcomerCard(tag, request.card))
        peer.multiplexer.sendControl(encodeJoin(tag, request.consent, request.use))
        break
      }
      case 'refused':
        this.#seekerOf(peer, frame)?.refused(frame, peer.key, peer, peer.remote.aheadMs)
    }
  }

  /** Tells somebody of the removal that invalidates their admission: they were admitted by a member who had been removed before. */
  #explain(peer: Peer, members: EvidenceMembers, operations: readonly Operation[]): void {
    const { membership, room } = members
    const isSubject = ({ body }: Operation): boolean => body.kind === 'admit' && body.subject === peer.key
    if (!operations.some(isSubject)) return
    for (const author of new Set(operations.map(each => each.author).reverse())) {
      const evidence = endEvidence(membership, author)
      if (evidence === undefined) continue
      const tag = peer.multiplexer.tagOf(room.id, 'us')
      for (const body of encodeEvidence('ended', tag, evidence)) peer.multiplexer.sendControl(body)
      return
    }
  }

  /**
   * Answers a member who has sent us a removal of our own key with the operations here that contradict it. If these make the removal
   * void, the member lets us in again. If the removal counts although the member forked their log, they sign the operations again that
   * we drop now.
   */
  #refute(peer: Peer, { room }: EvidenceMembers, removal: readonly Operation[], before: Membership): void {
    const { multiplexer, refuting } = peer
    if (multiplexer.isOfferedByOther(room.id)) return
    const lacking = refutationOf(before, removal).filter(({ id }) => !refuting.has(id))
    if (lacking.length === 0) return
    for (const { id } of lacking) refuting.add(id)
    const tag = multiplexer.tagOf(room.id, 'us')
    for (const body of encodeEvidence('evidence', tag, lacking)) multiplexer.sendControl(body)
  }

  #answerKnock({ multiplexer, key }: Peer, { tag }: FrameOf<'knock'>): void {
    const knocked = this.#invitationOf(multiplexer, tag)
    if (knocked === undefined) return
    const { members, invitation } = knocked
    const { membership, room } = members
    const ours = multiplexer.tagOf(Buffer.from(invitation.findKey, 'hex'), 'us')
    const evidence = membershipEvidence(membership, key)
    if (evidence !== undefined) {
      for (const body of encodeWelcome('admitted', ours, room.id, [...evidence])) multiplexer.sendControl(body)
      return
    }
    const refusal = this.#joinRefusal(members, invitation, key, '')
    if (refusal !== undefined) {
      const reason = reasonToSay(refusal)
      if (reason !== undefined) multiplexer.sendControl(encodeRefused(ours, reason, invitation.until))
      return
    }
    for (const body of encodeWelcome('welcome', ours, room.id, invitationEvidence(members, invitation)))
      multiplexer.sendControl(body)
  }

  async #admit(peer: Peer, { tag, consent, use }: FrameOf<'join'>): Promise<void> {
    const { multiplexer, key } = peer
    const knocked = this.#invitationOf(multiplexer, tag)
    if (knocked === undefined) return
    const { members, invitation } = knocked
    const { room } = members
    if (!isValidConsent(room.id, key, consent) || !isProofOfUse(room.id, invitation.inviteKey, key, use)) return
    const card = peer.card && readCard(room.id, peer.card)
    const name = card?.author === key ? card.name : ''
    const admit = async (): Promise<boolean> => {
      const given = await members.givenNow()
      const join = { subject: key, invitation: invitation.id, consent, time: this.#clock.now(), given }
      const signed = await members.sign(membership => {
        const now = membership.invitations.find(({ id }) => id === invitation.id)
        const refusal = this.#joinRefusal(members, invitation, key, consent)
        if (now === undefined || refusal !== undefined) return NOT_NOW
        return admissionBy(membership, now, join)
      })
      // Stored only if the newcomer was admitted.
      if (card?.author === key) await members.addCards([card])
      if (!multiplexer.isClosed) this.#answerKnock(peer, { kind: 'knock', tag })
      return !('kind' in signed)
    }
    const isPossible = this.#joinRefusal(members, invitation, key, consent) === undefined
    if (isPossible && members.membership.isClosed) members.desk.ask(key, name, admit)
    else await admit()
  }

  #joinRefusal(members: RoomMembers, { id }: Invitation, subject: AuthorId, consent: string): JoinRefusal | undefined {
    const { doubt } = members
    if (doubt !== undefined) return { kind: 'refused', refusal: { kind: 'in-doubt', reason: doubt } }
    return joinRefusalOf(members.membership, members.me, {
      subject,
      invitation: id,
      consent,
      time: this.#clock.now(),
    })
  }

  #roomOf({ multiplexer }: Peer, tag: Uint8Array): RoomMembers | undefined {
    let found: RoomMembers | undefined
    for (const members of this.#rooms) if (sameBytes(tag, multiplexer.tagOf(members.room.id, 'them'))) found = members
    return found
  }

  #invitationOf(
    multiplexer: ProvenPeer['multiplexer'],
    tag: Uint8Array,
  ): { readonly members: RoomMembers; readonly invitation: Invitation } | undefined {
    for (const members of this.#rooms)
      for (const invitation of members.isMember(members.me) ? members.membership.invitations : [])
        if (sameBytes(tag, multiplexer.tagOf(Buffer.from(invitation.findKey, 'hex'), 'them')))
          return { members, invitation }
    return undefined
  }

  #seekerOf({ multiplexer }: Peer, { tag }: { readonly tag: Uint8Array }): RoomSeeker | undefined {
    for (const seeker of this.#seekers) if (sameBytes(tag, multiplexer.tagOf(seeker.find, 'them'))) return seeker
    return undefined
  }
}

/** Cancels the draft of an admission that is no longer possible. */
const NOT_NOW: Refusal = { kind: 'unknown-invitation' }

/** The reason to give a newcomer; undefined if somebody else may admit them. */
function reasonToSay(refusal: JoinRefusal): KnockRefusal | undefined {
  return refusal.kind === 'unknown-invitation' || refusal.kind === 'refused' || refusal.kind === 'already-a-member'
    ? undefined
    : refusal.kind
}

/** The operations that prove that the author of an invitation may invite. */
function invitationEvidence({ membership }: RoomMembers, { by, inviteKey }: Invitation): Operation[] {
  for (const term of termsOf(membership, by)) {
    const made = term.operations?.find(({ body }) => body.kind === 'invite' && body.inviteKey === inviteKey)
    if (made !== undefined) return evidenceOf(term, made.id)
  }
  return []
}
