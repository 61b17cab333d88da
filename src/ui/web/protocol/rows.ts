import { boolean, count, type Guarded, listOf, number, oneOf, optional, text, variant } from '../../../base/shape.js'
import { object } from './object.js'

// The rows of a conversation. All texts are sanitised: no control, invisible or reordering characters; `\n` only in the `text` of lines.
// They are still text of others: the page never treats them as markup.

/** An author as the page shows them. */
export const PERSON = object({
  /** Their label: the name, with the first digits of their key, `(unsigned)` or `(clock ahead)` where the name alone would mislead. */
  name: text,
  /** 64 hex digits, from which the page derives the colour of the name; left out for unsigned authors. */
  key: optional(text),
  /** Whether they are a known person; true for the user. */
  isKnown: boolean,
  /** Whether they are the user. */
  isOwn: boolean,
})
export type Person = Guarded<typeof PERSON>

/** A part of a text. All parts in order are the whole text. */
export const SEGMENT = variant({
  text: { text },
  /** `url` is an `http:` or `https:` address, as the URL parser normalises it. The page shows `host` with the link. */
  link: { text, url: text, host: text },
  mention: { text, isOwn: boolean },
})
export type Segment = Guarded<typeof SEGMENT>

/** The line that a row refers to. */
export const REFERENCE = object({
  /** The id of the line's row, if the line is known. */
  id: optional(text),
  /** `alice a12 “lunch at noon?”`, `a deleted line`, `a line that is not here` … */
  text,
})
export type Reference = Guarded<typeof REFERENCE>

export const REACTION = object({
  emoji: text,
  count,
  isOwn: boolean,
  /** Who reacted, as shown; at most 20. */
  names: listOf(text),
})
export type Reaction = Guarded<typeof REACTION>

export const FILE = object({
  name: text,
  bytes: count,
  /** `1.2 MB` */
  size: text,
  /** Whether the request `picture` works for this file. */
  isPicture: boolean,
  /** Whether the page requests the picture unasked: the file is small, and its sender is a known person. */
  isShownUnasked: boolean,
})
export type File = Guarded<typeof FILE>

/** Which peers have a line of the user. */
export const DELIVERY = object({
  /** `delivered to 2 of 3 peers`, `not delivered yet: it will be sent on the next connection` */
  text,
  /** Whether at least one other peer stores it. */
  isDelivered: boolean,
})
export type Delivery = Guarded<typeof DELIVERY>

const PLACE = {
  /** Stable, and the same in every session: names the line in requests. Opaque. */
  id: text,
  /** Sorts the rows of a room, as strings by code unit. */
  order: text,
  /** When it was written, by the clock of its author: milliseconds since 1970. */
  at: number,
  /** `Saturday 21 November 2026`, in the time zone of the server, for the rule above the first row of a day. */
  day: text,
} as const

export const ROW = variant({
  /** Something that somebody says. */
  line: {
    ...PLACE,
    /** The short name of the line, as in `/re b12 yes`. */
    label: optional(text),
    author: PERSON,
    form: oneOf(['text', 'action', 'reply', 'file']),
    /** With its edits. For an action, what follows the name; for a file, empty. May contain `\n`. */
    text,
    segments: listOf(SEGMENT),
    /** Whether `text` is only the beginning of a stranger's long message: the request `whole` returns the rest too. */
    isFolded: boolean,
    about: optional(REFERENCE),
    reactions: listOf(REACTION),
    isEdited: boolean,
    /** Whether the line mentions the user, or answers a line of theirs. */
    isMention: boolean,
    /** Whether a line dated more than a minute later arrived before this one. */
    isLate: boolean,
    /** Whether the line is dated too far ahead of this computer's clock. These rows are sorted last. */
    isAhead: boolean,
    /** For lines of the user. */
    delivery: optional(DELIVERY),
    file: optional(FILE),
  },
  /** A change of a name or of the topic; or an edit of, or a reaction to, a line that is not stored here. */
  change: { ...PLACE, author: PERSON, text },
  /** A gap: consecutive places of one log without content. */
  gap: {
    ...PLACE,
    count,
    state: oneOf(['deleted', 'kept-out', 'expired', 'not-given', 'missing']),
    /** `3 entries deleted` */
    text,
  },
})
export type Row = Guarded<typeof ROW>
export type LineRow = Extract<Row, { readonly kind: 'line' }>

/** The unread mark of a room, from when the page opened it. */
export const UNREAD_MARK = object({
  /** The id of the row below the mark. Left out if the answer does not contain this row. */
  above: optional(text),
  /** `14 new since you left on 21 Nov 11:59` */
  text,
})
export type UnreadMark = Guarded<typeof UNREAD_MARK>

/**
 * Consecutive rows of a room, sorted by `order`. The history of a room can have a million entries: the browser requests it in pages of
 * rows as it shows them, and drops those far from the view. `before` and `after` place the scroll bar. They count entries, not rows, because the number of
 * rows is unknown: reactions and edits have none. They are 0 only at the ends of the history.
 */
export const PAGE = object({
  rows: listOf(ROW),
  /** Entries before the first row. */
  before: count,
  /** Entries after the last row. */
  after: count,
})
export type Page = Guarded<typeof PAGE>
