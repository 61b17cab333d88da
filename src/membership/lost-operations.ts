import { hexOf } from '../base/wire/bytes.js'
import type { AuthorId } from '../log/format/author.js'
import type { Body } from './format/body.js'
import { encodeBody } from './format/body-codec.js'
import type { Membership } from './membership.js'

/**
 * The bodies that an author signed on branches of their current log that do not count, and did not repeat on the branch that counts; in the
 * order in which they were signed. Two machines with one key compute the same list, so they sign the same operations again.
 * docs/protocol/membership.md §9.7.
 */
export function lostBodies(membership: Membership, author: AuthorId): readonly Body[] {
  const term = membership.currentTerm(author)
  if (term?.fork === undefined || term.operations === undefined) return []
  const counting = new Set(term.operations.map(({ id }) => id))
  const bodies = term.operations.map(({ body }) => body)
  const repeated = new Set(bodies.map(textOf))
  const lost: Body[] = []
  const beside = [...term.log.operations].filter(({ id }) => !counting.has(id))
  for (const { body } of beside.sort((a, b) => a.seq - b.seq || (a.id < b.id ? -1 : 1))) {
    const text = textOf(body)
    if (body.kind === 'open' || repeated.has(text) || isReplaced(body, bodies)) continue
    repeated.add(text)
    lost.push(body)
  }
  return lost
}

const textOf = (body: Body): string => hexOf(encodeBody(body))

/**
 * Whether the branch that counts sets the same property later: the name, what is kept, or how many earlier lines are given. Only the last
 * value counts.
 */
const isReplaced = (body: Body, counting: readonly Body[]): boolean =>
  (body.kind === 'name' || body.kind === 'keep' || body.kind === 'history') &&
  counting.some(({ kind, time }) => kind === body.kind && time >= body.time)
