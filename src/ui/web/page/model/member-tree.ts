import type { Member } from '../../protocol/state.js'

/** A member, and the members whom they admitted. */
export interface MemberNode {
  readonly member: Member
  readonly admitted: readonly MemberNode[]
}

/** The members as a tree of admissions. A member whose admitter has left is at the top, like the founder. */
export function memberTree(members: readonly Member[]): readonly MemberNode[] {
  const keys = new Set(members.map(({ key }) => key))
  const placed = new Set<string>()
  const nodesOf = (under: string | undefined): MemberNode[] =>
    members
      .filter(
        ({ key, by }) =>
          !placed.has(key) && key !== under && (under === undefined ? by === undefined || !keys.has(by) : by === under),
      )
      .sort((a, b) => a.since - b.since)
      .map(member => {
        placed.add(member.key)
        return { member, admitted: nodesOf(member.key) }
      })
  const top = nodesOf(undefined)
  // The server never sends a cycle of admissions; its members would be shown at the top.
  const rest = members.filter(({ key }) => !placed.has(key)).map(member => ({ member, admitted: [] }))
  return [...top, ...rest]
}
