import { ChatError } from '../../base/errors.js'
import type { AuthorId } from '../../log/format/author.js'
import type { DoubtReason } from '../../log/mark/doubt.js'
import type { Refusal } from '../../membership/refusal.js'
import { nameIn, type RoomMembers } from '../../node/private-rooms/room-members.js'

/** The error that says why we do not sign an operation. `byOf` returns the signer of an operation as a phrase, such as `by alice`. */
export function refusalError(refusal: Refusal, byOf: (author: AuthorId) => string): ChatError {
  const [message, hint] = wordsOf(refusal, byOf)
  return new ChatError('ROOM_REFUSED', message, hint === undefined ? {} : { hint })
}

/** The signer of an operation as a phrase: `by <name>` or `with the rescue words`. */
export const byIn = (members: Pick<RoomMembers, 'nameOf' | 'room'>, author: AuthorId): string =>
  author === members.room.rescue ? 'with the rescue words' : `by ${nameIn(members, author)}`

/** Why operations of the user may be missing, for causes that the user may know of. */
const DOUBTS: Readonly<Partial<Record<DoubtReason, string>>> = {
  behind: 'this copy of the room is older than what you signed last',
  'other-history': 'this copy of the room is older than what you signed last',
  moved: 'this copy of the room comes from another machine or a backup, so what you signed last may be missing',
  'no-mark': 'you were in this room before, so what you signed last may be missing here',
}

function wordsOf(refusal: Refusal, byOf: (author: AuthorId) => string): [message: string, hint?: string] {
  switch (refusal.kind) {
    case 'not-a-member':
      return ['you are not a member of this room']
    case 'role-too-low':
      return [`this takes the role ${refusal.needs}, or one above it`, 'The command members shows who has which role.']
    case 'already-open':
      return ['the room was founded already']
    case 'own-key':
      return ['this is your own key', 'To end your membership, leave the room.']
    case 'never-admitted':
      return ['they were never a member of this room']
    case 'senior':
      return ['they are above you in this room', 'Ask somebody above them.']
    case 'unknown-place':
      return ['not all of their operations are here yet', 'Wait for a connection to another member, and try again.']
    case 'closed-room':
      return ['in a closed room only admins admit', 'Invite with the role member or admin, as an admin.']
    case 'has-role':
      return [`they are ${refusal.role} already`, 'To lower a role, remove and admit them again.']
    case 'unanswered-removals':
      return ['this person was removed meanwhile', 'Try again.']
    case 'removed-by-senior':
      return [
        `they were removed ${refusal.by.map(byOf).join(' and ')}`,
        'Only the members who removed this person, or members above those, can admit them again.',
      ]
    case 'too-many-removals':
      return [`they were removed more than ${refusal.max} times`, 'They can enter with a new key.']
    case 'guests-full':
      return [
        `you have admitted ${refusal.max} people, which is the limit of your role`,
        'Ask another host or an admin.',
      ]
    case 'room-full':
      return [`the room has ${refusal.max} members, which is the limit`]
    case 'branch-full':
      return ['too many people were admitted below one admin', 'Ask another admin.']
    case 'too-deep':
      return ['there are too many admissions between the founder and you', 'Ask an admin.']
    case 'log-full':
      return [`your log of operations has ${refusal.max} entries, which is the limit`]
    case 'too-many-invitations':
      return [`you have ${refusal.max} open invitations, which is the limit`, 'Revoke one with uninvite.']
    case 'unknown-invitation':
      return ['no such invitation is open']
    case 'in-doubt':
      return [
        DOUBTS[refusal.reason] ?? 'what you signed last may be missing here',
        'Keep the room open until another member is connected. If nobody else is left: persisted-chat room confirm.',
      ]
  }
}
