import { type KeyPair, keyPairOf, SEED_BYTES, SIGNATURE_BYTES } from '../../base/crypto/signing.js'
import type { SeededRandom } from '../../base/seeded-random.js'
import { hexOf } from '../../base/wire/bytes.js'
import { frame } from '../../base/wire/frames.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import { nextPlace } from '../../membership/drafting.js'
import {
  encodeEvidence,
  encodeJoin,
  encodeKnock,
  encodeWelcome,
} from '../../membership/exchange/introduction-frames.js'
import { type Body, NO_OPERATION, type OperationId } from '../../membership/format/body.js'
import { signConsent } from '../../membership/format/consent.js'
import { type NextPlace, type Operation, signOperation } from '../../membership/format/operation.js'
import { keyBytes } from '../../membership/format/room.js'
import { foundRoom } from '../../membership/founding.js'
import type { ProvenPeer } from '../../net/upgrader.js'
import type { RoomChecker } from './room-checker.js'
import type { Seat } from './seat.js'

/** What a Byzantine member does besides ignoring its own removal. */
export const MISBEHAVIOURS = [
  'forks its operations',
  'tells each peer a different branch',
  'skips a place',
  'names an unknown parent',
  'admits somebody unasked',
  'signs as the founder',
  'admits puppets',
  'removes everybody',
  'leaves on a second branch',
  'repeats an operation of another room',
  'sends foreign tags',
  'shows a false room',
  'garbles the exchange',
] as const
export type Misbehaviour = (typeof MISBEHAVIOURS)[number] | 'floods operations'

/** Misbehaviours whose operations a receiver rejects, upon which it closes the channel. */
const INVALID: readonly Misbehaviour[] = [
  'admits somebody unasked',
  'signs as the founder',
  'repeats an operation of another room',
]

const ID_BYTES = 32
const PUPPETS = 3
const FLOOD = 300
const TAG_BYTES = 16

/** A Byzantine member in one of its rooms. */
export interface Malefactor {
  readonly seat: Seat
  readonly keys: KeyPair
  readonly random: SeededRandom
  readonly checker: RoomChecker
  /** Peers with a proven connection. */
  readonly peers: Iterable<ProvenPeer>
  /** Secrets that it knows: of rooms, and of invitations. */
  readonly secrets: readonly Uint8Array[]
  /** Operations of its other rooms. */
  readonly foreign: readonly Operation[]
  readonly nowMs: number
}

/** Performs a misbehaviour. */
export function misbehave(who: Malefactor, what: Misbehaviour): void {
  const { seat, random } = who
  const { members, byzantine } = seat
  if (members === undefined || byzantine === undefined) return
  if (what === 'sends foreign tags') sendForeignTags(who, members.sent)
  else if (what === 'tells each peer a different branch') {
    const branches = [branch(who), branch(who)]
    byzantine.pushApart(() => random.pick(branches))
  } else if (what === 'shows a false room') showFalseRoom(who)
  else if (what === 'garbles the exchange') {
    for (const { stream } of seat.connections)
      if (!stream.destroyed) stream.write(frame(Uint8Array.of(random.whole(17, 22), ...random.bytes(40))))
  } else if (INVALID.includes(what)) byzantine.pushOnce(madeUp(who, what))
  else byzantine.push(madeUp(who, what))
}

/** An operation for the place after our last operation that counts. Two different ones fork the log. */
function branch(who: Malefactor): Operation[] {
  const { members, author } = who.seat
  const next = members && nextPlace(members.membership, author)
  return next === undefined ? [] : [sign(who, next, admissionOfPuppet(who))]
}

/** The operations of a misbehaviour. */
function madeUp(who: Malefactor, what: Misbehaviour): Operation[] {
  const { seat, keys, random, foreign, nowMs } = who
  const { members, author } = seat
  const next = members && nextPlace(members.membership, author)
  if (members === undefined || next === undefined) return []
  const named: Body = { kind: 'name', name: `room ${random.whole(1, 99)}`, time: nowMs }
  const unknown = hexOf(random.bytes(ID_BYTES)) as OperationId
  switch (what) {
    case 'forks its operations':
      return forked(who, next, [admissionOfPuppet(who), named])
    case 'leaves on a second branch':
      return forked(who, next, [{ kind: 'leave', time: nowMs }])
    case 'skips a place':
      return [sign(who, { ...next, seq: next.seq + 2, previous: unknown }, named)]
    case 'names an unknown parent':
      return [sign(who, { ...next, seq: Math.max(2, next.seq), previous: unknown }, named)]
    case 'admits somebody unasked':
      return [sign(who, next, { ...admissionOfPuppet(who, false), consent: hexOf(random.bytes(SIGNATURE_BYTES)) })]
    case 'signs as the founder': {
      const { id, founder } = members.room
      const place = nextPlace(members.membership, founder)
      const forger: KeyPair = { publicKey: keyBytes(founder), sign: bytes => keys.sign(bytes) }
      return place === undefined
        ? []
        : [signOperation(id, forger, place, removalFrom(who, random.pick([...members.membership.members.keys()])))]
    }
    case 'admits puppets':
      return chained(
        who,
        next,
        Array.from({ length: PUPPETS }, () => admissionOfPuppet(who)),
      )
    case 'removes everybody': {
      const others = [...members.membership.members.keys()].filter(other => other !== author)
      return chained(
        who,
        next,
        others.map(other => removalFrom(who, other)),
      )
    }
    case 'floods operations':
      return chained(
        who,
        next,
        Array.from({ length: FLOOD }, (_, index) => ({ kind: 'name', name: `flood ${index}`, time: nowMs })),
      )
    case 'repeats an operation of another room':
      return foreign.length === 0 ? [] : [random.pick(foreign)]
    default:
      return []
  }
}

/** Sends frames with known and made-up tags to peers that have no channel with us. Anybody can do this. */
export function sendForeignTags(
  { peers, secrets, random, keys }: Pick<Malefactor, 'peers' | 'secrets' | 'random' | 'keys'>,
  operations: readonly Operation[],
): void {
  for (const { multiplexer } of peers) {
    if (multiplexer.isClosed) continue
    const tags = [random.bytes(TAG_BYTES), ...secrets.map(secret => multiplexer.tagOf(secret, 'us'))]
    for (const tag of tags) {
      const bodies = [
        encodeKnock(tag),
        encodeJoin(tag, hexOf(keys.sign(tag)), keys.sign(tag)),
        ...encodeEvidence(random.is(0.5) ? 'evidence' : 'ended', tag, operations.slice(0, 4)),
        Uint8Array.of(random.whole(0, 12), ...tag, ...random.bytes(20)),
      ]
      for (const body of bodies) multiplexer.sendControl(body)
    }
  }
}

/** Answers every invitation to the room with a false room, which contains an invitation with the same keys. */
function showFalseRoom({ seat, keys, random, peers, nowMs }: Malefactor): void {
  for (const { inviteKey, findKey, role, until, uses } of seat.members?.membership.invitations ?? []) {
    const nonce = random.bytes(ID_BYTES)
    const { room, opening } = foundRoom(keys, { name: 'ops', nonce, rescue: undefined, isClosed: false, time: nowMs })
    const next = { term: NO_OPERATION, seq: 2, previous: opening.id }
    const body: Body = { kind: 'invite', role, inviteKey, findKey, until, uses, time: nowMs }
    const operations = [opening, signOperation(room.id, keys, next, body)]
    for (const { multiplexer } of peers)
      if (!multiplexer.isClosed)
        for (const frame of encodeWelcome(
          'welcome',
          multiplexer.tagOf(Buffer.from(findKey, 'hex'), 'us'),
          room.id,
          operations,
        ))
          multiplexer.sendControl(frame)
  }
}

const sign = ({ seat, keys, checker }: Malefactor, next: NextPlace, body: Body): Operation => {
  const operation = signOperation(seat.members?.room.id ?? new Uint8Array(ID_BYTES), keys, next, body)
  checker.signed([operation], false)
  return operation
}

/** Operations that follow each other. */
function chained(who: Malefactor, first: NextPlace, bodies: readonly Body[]): Operation[] {
  const operations: Operation[] = []
  let next = first
  for (const body of bodies) {
    const operation = sign(who, next, body)
    operations.push(operation)
    next = { term: next.term, seq: next.seq + 1, previous: operation.id }
  }
  return operations
}

/** A second branch of our operation log, from a place that is used already. */
function forked(who: Malefactor, next: NextPlace, bodies: readonly Body[]): Operation[] {
  const { seat, random } = who
  const own = seat.members?.membership.currentTerm(seat.author)?.operations ?? []
  const kept = random.whole(0, Math.max(0, own.length - 1))
  const from = { term: next.term, seq: kept + 1, previous: own[kept - 1]?.id ?? NO_OPERATION }
  const operations = chained(who, from, bodies)
  // An empty log has nothing to fork: sign two operations for its first place instead.
  return own.length > 0 ? operations : [...operations, ...chained(who, from, bodies.toReversed())]
}

function admissionOfPuppet({ seat, random, checker, nowMs }: Malefactor, isAsked = true) {
  const puppet = keyPairOf(random.bytes(SEED_BYTES))
  const subject = authorOfKey(puppet.publicKey)
  const room = seat.members?.room.id ?? new Uint8Array(ID_BYTES)
  if (isAsked) checker.consented(seat.called, subject)
  return { kind: 'admit', subject, role: 'member', consent: signConsent(room, puppet), time: nowMs } as const
}

const removalFrom = ({ nowMs }: Malefactor, subject: AuthorId): Body => ({
  kind: 'remove',
  subject,
  place: { term: NO_OPERATION, seq: 0, id: NO_OPERATION },
  time: nowMs,
})
