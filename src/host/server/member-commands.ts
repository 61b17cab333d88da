import type { Clock } from '../../base/clock.js'
import { loadKey } from '../../base/crypto/key-file.js'
import { keyPairOf } from '../../base/crypto/signing.js'
import { ChatError } from '../../base/errors.js'
import type { Random } from '../../base/random.js'
import { isCount } from '../../base/shape.js'
import { hexOf } from '../../base/wire/bytes.js'
import { shortKey } from '../../chat/display-names.js'
import type { AuthorId } from '../../log/format/author.js'
import { admissionOf, removalOf } from '../../membership/drafting.js'
import type { ChatPlace, Given, InvitationId } from '../../membership/format/body.js'
import { signConsent } from '../../membership/format/consent.js'
import type { GivenRole } from '../../membership/format/role.js'
import { historyText } from '../../membership/history.js'
import { writeCode } from '../../membership/invitation/invitation-code.js'
import { invitationKeys } from '../../membership/invitation/invitation-keys.js'
import { memberItems } from '../../membership/member-list.js'
import type { Membership } from '../../membership/membership.js'
import { homeOf } from '../../node/paths.js'
import { nameIn, type OperationDraft, type RoomMembers } from '../../node/private-rooms/room-members.js'
import type { Fields } from '../protocol/codec.js'
import type { EnteredRoom } from './node-store.js'
import { byIn, refusalError } from './refusal-error.js'

const SEED_BYTES = 16
/** Shortest part of a key that names somebody. */
const KEY_DIGITS_MIN = 4
const RESCUE_SEED = /^[0-9a-f]{64}$/
const ROLES: readonly unknown[] = ['admin', 'host', 'member'] satisfies GivenRole[]

export type OnItem = (item: Fields) => void

/** A private room as commands use it, whether it is open or not. */
export interface RoomAccess {
  readonly members: RoomMembers
  readonly room: EnteredRoom
  endsOf(author: AuthorId): ChatPlace
}

export interface MemberCommandsParts {
  readonly me: string
  readonly data: string
  readonly clock: Clock
  readonly random: Random
}

/** Commands about the members of a private room: list, invite, admit, refuse and remove them. */
export class MemberCommands {
  readonly #parts: MemberCommandsParts

  constructor(parts: MemberCommandsParts) {
    this.#parts = parts
  }

  /** Runs a command in a room; calls `onItem` with each part of the answer. False if there is no such command. Rejects with a ChatError. */
  async run(access: RoomAccess, command: Fields, onItem: OnItem): Promise<boolean> {
    switch (command['do']) {
      case 'invite':
        await this.#invite(access, command, onItem)
        return true
      case 'invites':
        await this.#listInvitations(access, onItem)
        return true
      case 'uninvite':
        await this.#uninvite(access, command, onItem)
        return true
      case 'members':
        await this.#listMembers(access, onItem)
        return true
      case 'remove':
        await this.#remove(access, command, onItem)
        return true
      case 'admit':
        await this.#admit(access, command, onItem)
        return true
      case 'refuse':
        await this.#refuse(access, command, onItem)
        return true
      case 'rescue':
        await this.#rescue(access, command, onItem)
        return true
      case 'confirm':
        await access.members.settleDoubt()
        onItem({ room: access.room.name, id: access.room.label })
        return true
      default:
        return false
    }
  }

  async #invite({ members }: RoomAccess, { uses, forMs, role }: Fields, onItem: OnItem): Promise<void> {
    const { random, clock } = this.#parts
    const seed = random.bytes(SEED_BYTES)
    const { id, invite, find } = invitationKeys(seed)
    const until = clock.now() + (isCount(forMs) ? forMs : 0)
    const count = isCount(uses) && uses > 0 ? uses : 1
    await signIn(members, ({ isClosed, members: all }) => ({
      kind: 'invite',
      // Somebody invited by an admin becomes a host by default, so that more people can admit the next newcomer.
      role: ROLES.includes(role)
        ? (role as GivenRole)
        : !isClosed && isAdmin(all.get(members.me)?.role)
          ? 'host'
          : 'member',
      inviteKey: hexOf(invite.publicKey),
      findKey: find,
      until,
      uses: count,
      time: clock.now(),
    }))
    onItem({
      code: writeCode(members.room.id, seed),
      invite: id,
      until: new Date(until).toISOString(),
      uses: count,
      history: historyText(members.membership.history),
    })
  }

  async #listInvitations({ members }: RoomAccess, onItem: OnItem): Promise<void> {
    const now = this.#parts.clock.now()
    for (const { id, by, role, until, uses, admitted, state } of members.membership.invitations)
      onItem({
        invite: id,
        by: nameIn(members, by),
        role,
        until: new Date(until).toISOString(),
        uses,
        admitted: admitted.map(author => nameIn(members, author)),
        state: state === 'open' && until <= now ? 'expired' : state,
      })
  }

  async #uninvite({ members }: RoomAccess, { invite }: Fields, onItem: OnItem): Promise<void> {
    const prefix = typeof invite === 'string' ? invite.toLowerCase() : ''
    const found = members.membership.invitations.filter(
      ({ id }) => prefix.length >= KEY_DIGITS_MIN && id.startsWith(prefix),
    )
    const [one] = found
    if (one === undefined || found.length > 1)
      throw new ChatError(
        'BAD_USAGE',
        `${found.length === 0 ? 'no invitation begins' : 'several invitations begin'} with ${prefix}`,
        {
          hint: 'The command invites lists them.',
        },
      )
    const invitation: InvitationId = one.id
    await signIn(members, () => ({ kind: 'revoke', invitation, time: this.#parts.clock.now() }))
    onItem({ invite: one.id })
  }

  async #listMembers({ members }: RoomAccess, onItem: OnItem): Promise<void> {
    const keepers: readonly unknown[] = members.keepers
    for (const item of memberItems(members.membership, author => members.nameOf(author)))
      onItem({ ...item, ...(keepers.includes(item['key']) && { keeper: true }) })
  }

  async #remove(access: RoomAccess, { who }: Fields, onItem: OnItem): Promise<void> {
    const { members } = access
    const subject = personIn(members, who)
    await signIn(members, membership => {
      const removal = removalOf(membership, subject, access.endsOf(subject), this.#parts.clock.now())
      return removal ?? { kind: 'never-admitted' }
    })
    onItem({ removed: subject, name: members.nameOf(subject) ?? null })
  }

  /** Admits somebody who was a member before, or gives a member another role. */
  async #admit(access: RoomAccess, { who, role }: Fields, onItem: OnItem): Promise<void> {
    const { members } = access
    const newcomer = onlyOf(who, digits => members.desk.waiting(digits))
    if (newcomer !== undefined) return this.#admitNewcomer(members, newcomer, onItem)
    const refused = onlyOf(who, digits => members.desk.refused(digits))
    if (refused !== undefined) {
      await members.desk.lift(refused)
      return onItem({ key: refused, name: null, role: null })
    }
    const subject = personIn(members, who)
    const given = ROLES.includes(role) ? (role as GivenRole) : 'member'
    const consent = consentOf(members.membership, subject)
    if (consent === undefined) throw refusalError({ kind: 'never-admitted' }, author => byIn(members, author))
    const givenNow = await members.givenNow()
    await signIn(members, membership => {
      const lines = givenBefore(membership, subject) ?? givenNow
      return admissionOf(membership, { subject, role: given, consent, time: this.#parts.clock.now(), ...lines })
    })
    onItem({ key: subject, name: members.nameOf(subject) ?? null, role: given })
  }

  async #admitNewcomer(members: RoomMembers, newcomer: AuthorId, onItem: OnItem): Promise<void> {
    if (!(await members.desk.admit(newcomer)))
      throw new ChatError('ROOM_REFUSED', 'their code no longer admits anybody', {
        hint: 'Invite them again, with a new code.',
      })
    const { role } = members.membership.members.get(newcomer) ?? { role: 'member' }
    onItem({ key: newcomer, name: members.nameOf(newcomer) ?? null, role })
  }

  /** Refuses a newcomer to a closed room, without notifying them. */
  async #refuse({ members }: RoomAccess, { who }: Fields, onItem: OnItem): Promise<void> {
    const newcomer = onlyOf(who, digits => members.desk.waiting(digits))
    if (newcomer === undefined)
      throw new ChatError('BAD_USAGE', 'nobody with such a key waits to be admitted here', {
        hint: 'Type the first digits of the key, as they were shown.',
      })
    await members.desk.refuse(newcomer)
    onItem({ refused: newcomer })
  }

  /**
   * Takes over from the founder, whose key is lost or stolen: ends the founder's membership, and makes us an admin
   * above all others.
   */
  async #rescue(access: RoomAccess, { seed }: Fields, onItem: OnItem): Promise<void> {
    const { members, room } = access
    const { data, me, random, clock } = this.#parts
    const own = await loadKey(homeOf(data, me).keyFile, random)
    const { founder, rescue, id } = members.room
    const keys = typeof seed === 'string' && RESCUE_SEED.test(seed) ? keyPairOf(Buffer.from(seed, 'hex')) : undefined
    if (keys === undefined || hexOf(keys.publicKey) !== rescue)
      throw new ChatError('ROOM_REFUSED', `these are not the rescue words of ${room.name}`)
    if (founder === members.me) throw new ChatError('ROOM_REFUSED', 'you are the founder of this room')
    const signed = await members.signAs(
      keys,
      membership => removalOf(membership, founder, access.endsOf(founder), clock.now()) ?? { kind: 'never-admitted' },
      membership =>
        admissionOf(membership, {
          subject: members.me,
          role: 'admin',
          consent: signConsent(id, own),
          time: clock.now(),
        }),
    )
    if ('kind' in signed) throw refusalError(signed, author => byIn(members, author))
    onItem({ room: room.name, id: room.label, removed: founder })
  }
}

/** Signs and stores an operation. Rejects with ROOM_REFUSED. */
export async function signIn(members: RoomMembers, draft: OperationDraft): Promise<void> {
  const signed = await members.sign(draft)
  if ('kind' in signed) throw refusalError(signed, author => byIn(members, author))
}

/** The key that begins with `who`; undefined if there are none or several. */
function onlyOf(who: unknown, keysWith: (digits: string) => readonly AuthorId[]): AuthorId | undefined {
  const digits = typeof who === 'string' ? who.toLowerCase() : ''
  const [one, ...others] = digits.length < KEY_DIGITS_MIN ? [] : keysWith(digits)
  return others.length === 0 ? one : undefined
}

const isAdmin = (role: string | undefined): boolean => role === 'founder' || role === 'admin'

/** The person with a name, or with a key that begins with these digits. Throws BAD_USAGE. */
function personIn(members: RoomMembers, who: unknown): AuthorId {
  const text = typeof who === 'string' ? who : ''
  const { members: present, former } = members.membership
  const people = [...present.keys(), ...former.keys()]
  const named = people.filter(author => members.nameOf(author) === text)
  const byKey = text.length >= KEY_DIGITS_MIN ? people.filter(author => author.startsWith(text.toLowerCase())) : []
  const found = named.length > 0 ? named : byKey
  const [one] = found
  if (one !== undefined && found.length === 1) return one
  const keys = found.map(shortKey).join(', ')
  throw new ChatError(
    'BAD_USAGE',
    found.length === 0 ? `nobody in this room is called ${text}` : `several people are called ${text}`,
    {
      hint: found.length === 0 ? 'The command members lists them.' : `Choose one by the key: ${keys}.`,
    },
  )
}

/** How much history a present member was given, which stays the same when their role changes; undefined for anybody else. */
function givenBefore(membership: Membership, subject: AuthorId): Given | undefined {
  if (!membership.members.has(subject)) return undefined
  const linesFrom = membership.linesFrom(subject)
  return linesFrom === undefined ? {} : { history: membership.historyOf(subject), linesFrom }
}

/** The consent in an admission of somebody. */
function consentOf({ logs }: Membership, subject: AuthorId): string | undefined {
  for (const log of logs.values())
    for (const { body } of log.operations) if (body.kind === 'admit' && body.subject === subject) return body.consent
  return undefined
}
