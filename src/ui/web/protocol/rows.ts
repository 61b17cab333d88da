import { boolean, count, type Guarded, listOf, number, oneOf, optional, text, variant } from '../../../base/shape.js'
import { object } from './object.js'

// The rows of a conversation. All texts are sanitised: no control, invisible or reordering characters; line breaks only as `\n` in `text`
// of lines. They are still text of others: never markup.

/** Somebody as shown. */
export const PERSON = object({
  /** How they are shown: with the first digits of their key, `(unsigned)` or `(clock ahead)` where the name alone would mislead. */
  name: text,
  /** 64 hex digits, which decide the colour; left out for people without a key. */
  key: optional(text),
  /** Whether the user knows them. The user is known. */
  isKnown: boolean,
  /** Whether it is the user. */
  isOwn: boolean,
})
export type Person = Guarded<typeof PERSON>

/** A part of a text. The parts in order are the whole text. */
export const SEGMENT = variant({
  text: { text },
  /** `url` is `http:` or `https:`, as the URL parser normalises it. `host` is to be shown with the link. */
  link: { text, url: text, host: text },
  mention: { text, isOwn: boolean },
})
export type Segment = Guarded<typeof SEGMENT>

/** The line that a row refers to, in a few words. */
export const REFERENCE = object({
  /** The id of its row, if the line is known: `page` with `around` goes there. */
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
  /** Whether the request `picture` may show it. */
  isPicture: boolean,
  /** Whether the page asks for the picture by itself: it is small, and from somebody whom the user knows. */
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
    /** Whether `text` is the beginning of a long message of a stranger: the request `whole` shows all of it. */
    isFolded: boolean,
    about: optional(REFERENCE),
    reactions: listOf(REACTION),
    isEdited: boolean,
    /** Whether it mentions the user or answers them. */
    isMention: boolean,
    /** Whether it arrived more than a minute after later lines. */
    isLate: boolean,
    /** Whether it is dated too far ahead of this computer's clock. Such rows are sorted last. */
    isAhead: boolean,
    /** For lines of the user. */
    delivery: optional(DELIVERY),
    file: optional(FILE),
  },
  /** A change that is worth a row: of a name or of the topic; or somebody's edit of, or reaction to, a line that is not here. */
  change: { ...PLACE, author: PERSON, text },
  /** Consecutive places of one log without content. */
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
  /** It stands above this row. Left out if that row is not in the answer. */
  above: optional(text),
  /** `14 new since you left on 21 Nov 11:59` */
  text,
})
export type UnreadMark = Guarded<typeof UNREAD_MARK>

/**
 * Consecutive rows of a room, sorted by `order`. The history of a room can have a million entries: the page asks for the pages that it
 * shows, and forgets those far away. `before` and `after` count entries, of which reactions and edits have no row of their own: they
 * place the scroll bar, and are 0 only at the ends of the history.
 */
export const PAGE = object({
  rows: listOf(ROW),
  /** Entries before the first row. */
  before: count,
  /** Entries after the last row. */
  after: count,
})
export type Page = Guarded<typeof PAGE>
