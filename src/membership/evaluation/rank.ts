import { ROLES, type Role } from '../format/role.js'

/**
 * Position of a term in the tree of admissions. The path has a number for each admission from the founder down: the seq of its
 * operation. docs/protocol/membership.md §9.5.
 */
export interface Rank {
  readonly role: Role
  readonly path: readonly number[]
}

/** Makes admissions by the rescue key senior to those by the founder. */
export const RESCUE_OFFSET = -(2 ** 32)

/** Negative if `a` is senior to `b`: by role, then by the shorter path, then by the lower numbers. No two terms have equal ranks. */
export function compareRanks(a: Rank, b: Rank): number {
  if (a.role !== b.role) return ROLES.indexOf(a.role) - ROLES.indexOf(b.role)
  if (a.path.length !== b.path.length) return a.path.length - b.path.length
  const differing = a.path.findIndex((number, index) => number !== b.path[index])
  return (a.path[differing] ?? 0) - (b.path[differing] ?? 0)
}

export const isSenior = (a: Rank, b: Rank): boolean => compareRanks(a, b) < 0
