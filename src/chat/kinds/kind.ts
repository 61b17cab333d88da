import type { Members } from '../../log/format/entry.js'

/** The members of an entry that depend on its kind. `message` is the text that older peers show. */
export type EntryFields = Readonly<Record<string, unknown>> & { readonly message: string; readonly username?: string }

/** One kind of message: how a draft becomes an entry, and what an entry of this kind says. */
export interface Kind<Draft, Content> {
  /** Whether it is something that the author says: it counts as unread, and can be answered, reacted to and edited. */
  readonly isLine: boolean
  readonly encode: (draft: Draft) => EntryFields
  /** Undefined for malformed members: such an entry is shown as text. */
  readonly parse: (members: Members) => Content | undefined
  /** A draft from JSON; undefined for a malformed one. */
  readonly read: (members: Readonly<Record<string, unknown>>) => Draft | undefined
}

export const defineKind = <Draft, Content>(kind: Kind<Draft, Content>): Kind<Draft, Content> => kind
