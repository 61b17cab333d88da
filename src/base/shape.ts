// Shapes of values in JSON, each declared once: its type, its check, and its description.

/** Checks that a value from another process has type `T`. */
export interface Shape<T> {
  (value: unknown): value is T
  readonly form: Form
}

/** How a shape is composed. */
export type Form =
  | { readonly kind: 'text' | 'count' | 'number' | 'boolean' }
  /** A text that has to match. */
  | { readonly kind: 'matching'; readonly example: string }
  | { readonly kind: 'codes'; readonly codes: readonly string[] }
  | { readonly kind: 'optional' | 'list' | 'map'; readonly of: Shape<unknown> }
  | { readonly kind: 'either'; readonly of: readonly Shape<unknown>[] }
  | { readonly kind: 'record'; readonly members: Members }
  | { readonly kind: 'variant'; readonly variants: Readonly<Record<string, Members>> }

/** The shape of each member of a record. */
export type Members = Readonly<Record<string, Shape<unknown>>>

/** The type that a shape checks. */
export type Guarded<S> = S extends Shape<infer T> ? T : never
type Flat<T> = { readonly [F in keyof T]: T[F] }
type OptionalOf<M extends Members> = { [F in keyof M]: undefined extends Guarded<M[F]> ? F : never }[keyof M]

/** The record with these members. */
export type RecordOf<M extends Members> = Flat<
  { [F in Exclude<keyof M, OptionalOf<M>>]: Guarded<M[F]> } & { [F in OptionalOf<M>]?: Guarded<M[F]> }
>

/** One of several records, which differ in their `kind`. */
export type VariantOf<V extends Readonly<Record<string, Members>>> = {
  [K in keyof V]: Flat<{ kind: K } & RecordOf<V[K]>>
}[keyof V]

/** The members of a type that is declared elsewhere. */
export type MembersOf<T> = { readonly [F in keyof T]-?: Shape<T[F]> }

const shape = <T>(form: Form, check: (value: unknown) => boolean): Shape<T> =>
  Object.assign((value: unknown): value is T => check(value), { form })

export const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

export const text: Shape<string> = shape({ kind: 'text' }, value => typeof value === 'string')
export const count: Shape<number> = shape({ kind: 'count' }, isCount)
export const number: Shape<number> = shape({ kind: 'number' }, value => Number.isFinite(value))
export const boolean: Shape<boolean> = shape({ kind: 'boolean' }, value => typeof value === 'boolean')

/** A text that `parse` accepts, such as `example`. */
export const matching = <T extends string>(parse: (text: string) => T | undefined, example: string): Shape<T> =>
  shape({ kind: 'matching', example }, value => typeof value === 'string' && parse(value) !== undefined)

export const oneOf = <const T extends string>(codes: readonly T[]): Shape<T> =>
  shape({ kind: 'codes', codes }, value => codes.some(code => code === value))

export const optional = <T>(of: Shape<T>): Shape<T | undefined> =>
  shape({ kind: 'optional', of }, value => value === undefined || of(value))

export const listOf = <T>(of: Shape<T>): Shape<readonly T[]> =>
  shape({ kind: 'list', of }, value => Array.isArray(value) && value.every(of))

export const mapOf = <T>(of: Shape<T>): Shape<Readonly<Record<string, T>>> =>
  shape({ kind: 'map', of }, value => isFields(value) && Object.values(value).every(of))

const hasMembers = (value: unknown, members: Members): boolean =>
  isFields(value) && Object.entries(members).every(([field, of]) => of(value[field]))

export const either = <A, B>(one: Shape<A>, other: Shape<B>): Shape<A | B> =>
  shape({ kind: 'either', of: [one, other] }, value => one(value) || other(value))

/** A record of a type that is declared elsewhere. */
export const record = <T>(members: MembersOf<T>): Shape<T> =>
  shape({ kind: 'record', members: members as Members }, value => hasMembers(value, members as Members))

export const variant = <V extends Readonly<Record<string, Members>>>(variants: V): Shape<VariantOf<V>> =>
  shape({ kind: 'variant', variants }, value => {
    const kind = isFields(value) ? value['kind'] : undefined
    const members = typeof kind === 'string' && Object.hasOwn(variants, kind) ? variants[kind] : undefined
    return members !== undefined && hasMembers(value, members)
  })
