import { type AuthorId, authorOf, isSigned, type Run, type Seq } from '../../log/format/author.js'
import { SEQ_MAX } from '../../log/limits.js'

/** The line that a reply, reaction or edit refers to. It need not exist. */
export interface Target {
  readonly author: AuthorId
  readonly run: Run
  readonly seq: Seq
}

/** A place among the logs of one author. */
export type OwnTarget = Omit<Target, 'author'>

const RUN_MAX = 0xffff_ffff

const isCount = (value: unknown, min: number, max: number): value is number =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max

/** The member `re` of an entry: author, run and seq. */
export const encodeTarget = ({ author, run, seq }: Target): unknown => [author, run, seq]

/** The member `re` of an entry that can refer only to its own author: run and seq. */
export const encodeOwnTarget = ({ run, seq }: OwnTarget): unknown => [run, seq]

/** Decodes a place; undefined for anything else. */
export function parseTarget(value: unknown): Target | undefined {
  if (!Array.isArray(value) || value.length !== 3) return undefined
  const [name, ...place]: unknown[] = value
  const author = typeof name === 'string' ? authorOf(name) : undefined
  const own = parseOwnTarget(place)
  if (author === undefined || own === undefined || (own.run !== 0 && !isSigned(author))) return undefined
  return { author, ...own }
}

export function parseOwnTarget(value: unknown): OwnTarget | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined
  const [run, seq]: unknown[] = value
  return isCount(run, 0, RUN_MAX) && isCount(seq, 1, SEQ_MAX) ? { run, seq } : undefined
}

/** Decodes the place in the member `to` of a JSON draft, where `run` is omitted if it is 0. */
export function readTarget(value: unknown): Target | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { author, run, seq } = value as Record<string, unknown>
  return parseTarget([author, run ?? 0, seq])
}

/** Decodes a place among the author's own logs in the same form. */
export function readOwnTarget(value: unknown): OwnTarget | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { run, seq } = value as Record<string, unknown>
  return parseOwnTarget([run ?? 0, seq])
}

/** A target as the member `to` in JSON. */
export const targetJson = ({ author, run, seq }: Target): object => ({ author, ...(run !== 0 && { run }), seq })
