import type { AuthorId } from '../log/format/author.js'
import { type Card, newerCard } from './format/card.js'
import type { Member, Membership } from './membership.js'

export interface ListedMember extends Member {
  /** What they call themselves; undefined if no card of theirs is known. */
  readonly name: string | undefined
}

/** The members in the order of their ids, with the names on their cards. */
export function listMembers({ members }: Membership, cards: Iterable<Card>): ListedMember[] {
  const newest = new Map<AuthorId, Card>()
  for (const card of cards) newest.set(card.author, newerCard(card, newest.get(card.author) ?? card))
  return [...members.values()].map(member => ({ ...member, name: newest.get(member.author)?.name }))
}
