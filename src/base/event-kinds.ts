import type { Members, RecordOf } from './shape.js'

/** One kind of event: whether it is a problem or a change that is worth knowing, and its fields. */
interface EventKind<M extends Members> {
  readonly level: 'problem' | 'change'
  readonly fields: M
}

/** Kinds of events by name. docs/events.md is generated from these declarations and their comments. */
export type EventKinds = Readonly<Record<string, EventKind<Members>>>

/** Any event of these kinds. */
export type EventOf<E extends EventKinds> = {
  [K in keyof E]: { readonly kind: K } & RecordOf<E[K]['fields']>
}[keyof E]

export const problem = <const M extends Members>(fields: M) => ({ level: 'problem', fields }) as const
export const change = <const M extends Members>(fields: M) => ({ level: 'change', fields }) as const

/** Whether each kind is a problem or a change. */
export const levelsOf = <E extends EventKinds>(kinds: E) =>
  Object.fromEntries(Object.entries(kinds).map(([kind, { level }]) => [kind, level])) as {
    readonly [K in keyof E]: E[K]['level']
  }
