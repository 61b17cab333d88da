import type { AuthorId } from '../log/format/author.js'
import type { Membership } from './membership.js'

/** One line of `members --json`. */
export type MemberItem = Readonly<Record<string, unknown>>

/**
 * The output of `members --json`: members, people who wait for a place, former members, and warnings. Equal on all peers with the
 * same operations and cards. `nameOf` returns the names on cards.
 */
export function memberItems(
  membership: Membership,
  nameOf: (author: AuthorId) => string | undefined,
): readonly MemberItem[] {
  const named = (author: AuthorId): { readonly name: string | null } => ({ name: nameOf(author) ?? null })
  const { members, waiting, former, warnings, room } = membership
  return [
    ...[...members.values()].map(({ author, role, by, since }) => ({
      key: author,
      ...named(author),
      role,
      by: by ?? null,
      since: dateOf(since),
    })),
    ...waiting.map(author => ({ waiting: author, ...named(author) })),
    ...[...former.values()].map(({ author, reason }) => {
      const by = membership.removalsOf(author)[0]?.by.author ?? null
      return {
        removed: author,
        ...named(author),
        reason,
        by,
        ...(by !== null && by === room.rescue && { isRescue: true }),
      }
    }),
    ...warnings.map(warning => ({ warning: warning.kind, ...warning })),
  ]
}

const dateOf = (time: number | undefined): string | null =>
  time === undefined || Number.isNaN(new Date(time).getTime()) ? null : new Date(time).toISOString()
