/** The roles of members, the most senior first. */
export const ROLES = ['rescue', 'founder', 'admin', 'host', 'member'] as const
export type Role = (typeof ROLES)[number]

/** The roles that an admission can grant. */
export type GivenRole = Extract<Role, 'admin' | 'host' | 'member'>

export const isAtLeast = (role: Role, least: Role): boolean => ROLES.indexOf(role) <= ROLES.indexOf(least)

/** Whether somebody in a role may grant another role. */
export const mayGrant = (role: Role, given: GivenRole): boolean =>
  isAtLeast(role, 'admin') || (role === 'host' && given === 'member')
