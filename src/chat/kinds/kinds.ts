import type { Gap, Members } from '../../log/format/entry.js'
import { ACTION } from './action.js'
import { EDIT } from './edit.js'
import { FILE } from './file.js'
import type { EntryFields, Kind } from './kind.js'
import { NICK } from './nick.js'
import { REACTION } from './reaction.js'
import { REPLY } from './reply.js'
import type { OwnTarget } from './target.js'
import { TEXT } from './text.js'
import { TOPIC } from './topic.js'

/** Every kind of message; a new kind is a new file and a line here. */
const KINDS = {
  text: TEXT,
  action: ACTION,
  nick: NICK,
  topic: TOPIC,
  reply: REPLY,
  reaction: REACTION,
  edit: EDIT,
  file: FILE,
}

type Kinds = typeof KINDS
type MessageKind = keyof Kinds
type MessageContent = { [K in MessageKind]: NonNullable<ReturnType<Kinds[K]['parse']>> }[MessageKind]

/** The part of a message that depends on its kind. */
export type Content = MessageContent | GapContent | DeleteContent

/** Consecutive places of a log whose messages are not on this disk. */
interface GapContent extends Gap {
  readonly kind: 'gap'
}

/** The author erased lines of one of their logs, of which only the places are left. */
interface DeleteContent {
  readonly kind: 'delete'
  readonly to: OwnTarget
  /** Number of consecutive places. */
  readonly count: number
}

/** A message to be sent. `username` is the sender's name, if it is not the name of the node. */
export type Draft = { [K in MessageKind]: Parameters<Kinds[K]['encode']>[0] }[MessageKind] & {
  readonly username?: string
}

const isKind = (name: unknown): name is MessageKind => typeof name === 'string' && Object.hasOwn(KINDS, name)

/** Parses the members of an entry. Entries that are malformed, or of an unknown kind, are text. */
export function contentOf(members: Members): MessageContent {
  const { type } = members
  return (isKind(type) ? KINDS[type].parse(members) : undefined) ?? { kind: 'text' }
}

/**
 * Whether a message is something that its author says: it counts as unread, and other messages can refer to it.
 */
export const isLine = ({ kind }: Content): boolean => kind !== 'gap' && kind !== 'delete' && KINDS[kind].isLine

/** Encodes a draft as the members of an entry. */
export function entryFieldsOf(draft: Draft): EntryFields {
  const { encode } = KINDS[draft.kind] as Kind<Draft, MessageContent>
  const fields = encode(draft)
  return draft.username === undefined ? fields : { username: draft.username, ...fields }
}

/** The text that older peers show for a draft. */
export const plainTextOf = (draft: Draft): string => entryFieldsOf(draft).message

/** A string is shorthand for a text draft. */
export const draftOf = (said: Draft | string): Draft => (typeof said === 'string' ? { kind: 'text', text: said } : said)

/** Reads a draft from the JSON of another process; undefined if it is malformed. */
export function readDraft(value: unknown): Draft | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { kind, username, ...members } = value as Record<string, unknown>
  if (!isKind(kind) || (username !== undefined && typeof username !== 'string')) return undefined
  const draft = KINDS[kind].read(members)
  return draft && username !== undefined ? { ...draft, username } : draft
}
