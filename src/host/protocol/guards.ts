import { type AuthorId, authorOf, type LogId, logIdOf } from '../../log/format/author.js'
import { isFields } from './codec.js'

// Checks of values that another process sent as JSON.

type Guard<T> = (value: unknown) => value is T
export type Shape<T> = { readonly [F in keyof T as F extends 'kind' ? never : F]-?: Guard<T[F]> }
export type Shapes<T extends { readonly kind: string }> = {
  readonly [K in T['kind']]: Shape<Extract<T, { readonly kind: K }>>
}

export const text: Guard<string> = (value): value is string => typeof value === 'string'
export const number: Guard<number> = (value): value is number => Number.isFinite(value)
export const boolean: Guard<boolean> = (value): value is boolean => typeof value === 'boolean'
export const author: Guard<AuthorId> = (value): value is AuthorId =>
  typeof value === 'string' && authorOf(value) !== undefined
export const log: Guard<LogId> = (value): value is LogId => typeof value === 'string' && logIdOf(value) !== undefined

export const optional =
  <T>(guard: Guard<T>): Guard<T | undefined> =>
  (value): value is T | undefined =>
    value === undefined || guard(value)

export const listOf =
  <T>(guard: Guard<T>): Guard<readonly T[]> =>
  (value): value is readonly T[] =>
    Array.isArray(value) && value.every(guard)

export const mapOf =
  <T>(guard: Guard<T>): Guard<Readonly<Record<string, T>>> =>
  (value): value is Readonly<Record<string, T>> =>
    isFields(value) && Object.values(value).every(guard)

export const oneOf =
  <T extends string>(codes: readonly T[]): Guard<T> =>
  (value): value is T =>
    codes.some(code => code === value)

export const record =
  <T>(shape: { readonly [F in keyof T]-?: Guard<T[F]> }): Guard<T> =>
  (value): value is T =>
    isFields(value) && Object.entries<Guard<unknown>>(shape).every(([field, guard]) => guard(value[field]))

/** One of several records, which differ in their `kind`. */
export const variant =
  <T extends { readonly kind: string }>(shapes: Shapes<T>): Guard<T> =>
  (value): value is T => {
    const kind = isFields(value) ? value['kind'] : undefined
    if (typeof kind !== 'string' || !Object.hasOwn(shapes, kind)) return false
    const shape: Readonly<Record<string, Guard<unknown>>> = shapes[kind as T['kind']]
    return record(shape)(value)
  }
