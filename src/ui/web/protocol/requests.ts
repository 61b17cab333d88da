import {
  boolean,
  count,
  type Guarded,
  listOf,
  type Members,
  number,
  oneOf,
  optional,
  type RecordOf,
  type Shape,
  text,
} from '../../../base/shape.js'
import { object } from './object.js'
import { PAGE, ROW, UNREAD_MARK } from './rows.js'
import { ASKING, CLOSED_ROOM, FINDING, FORMER_MEMBER, INVITATION, MEMBER, ROOM_STATE } from './state.js'

const NOTHING = object({})

/** The room in which a request is meant: the selected one, or any other open one. */
const IN_ROOM = { room: text } as const
/** A line, by the id of its row. */
const OF_LINE = { room: text, line: text } as const

/** A request: its members besides `kind` and `id`, and the shape of its answer. */
interface Definition {
  readonly asks: Members
  readonly answer: Shape<unknown>
}
const request = <const A extends Members, T>(
  asks: A,
  answer: Shape<T>,
): { readonly asks: A; readonly answer: Shape<T> } => ({
  asks,
  answer,
})

/**
 * What a page may ask. Each request is answered once, by its id: with an `answer` of this shape, or with `failed`. Requests are not
 * answered in order. One that waits for the node waits until a node is there again, unless the page cancels it.
 */
export const REQUESTS = {
  /**
   * Shows a room on this page, instead of the one shown before; opens it if it is closed. From now on, `rows`, `state`, `notices` and `task`
   * come for this room, and for no other. The answer comes before any of them. A room is opened again where it was left: `page` has the
   * rows around the first unread one.
   */
  select: request(
    IN_ROOM,
    object({ room: text, page: PAGE, mark: optional(UNREAD_MARK), draft: text, state: ROOM_STATE }),
  ),
  /** Closes a room, also at the next start. Its history stays. Fails for the only open room. */
  close: request(IN_ROOM, NOTHING),
  /** The rooms of the user that are not open. */
  'closed-rooms': request({}, object({ rooms: listOf(CLOSED_ROOM) })),

  /**
   * Rows of the selected room. Exactly one of `around`, `before` and `after`, the id of a row, says where; or `at`, a place between
   * 0, the first entry, and 1, the last one; none of them: the end of the history. `count`: 1 to PAGE_ROWS_MAX. Fewer rows come at the
   * ends of the history only; more, by up to 3 each, around gaps. Fails if the row is not in the history any more.
   */
  page: request(
    { ...IN_ROOM, around: optional(text), before: optional(text), after: optional(text), at: optional(number), count },
    PAGE,
  ),
  /** The whole text of a folded line. */
  whole: request(OF_LINE, object({ row: ROW })),

  /**
   * Says a typed text. One that begins with a slash is a command, as in the terminal, and every command of the terminal works; `//` says a
   * slash. What a command prints comes as `notices` and `quote`, before the answer. Answered when the line is on the disk, or when the command
   * has ended; the row of the line comes as `rows`, whose order with the answer is not defined.
   */
  say: request({ ...IN_ROOM, text }, NOTHING),
  reply: request({ ...OF_LINE, text }, NOTHING),
  /** Adds an emoji, or takes the user's own back with `isRemoved`. */
  react: request({ ...OF_LINE, emoji: text, isRemoved: boolean }, NOTHING),
  /** Replaces the text of a line of the user, for everyone. */
  edit: request({ ...OF_LINE, text }, NOTHING),
  /** Deletes a line of the user. Answered up to 5 s later with how far it reached: `b12 was deleted here, and dropped by 2 of 3 peers`. */
  delete: request(OF_LINE, object({ text })),
  /** The earlier texts of a line, the first one first. */
  history: request(OF_LINE, object({ versions: listOf(object({ at: number, text })) })),
  /** Who says that they have a line: sentences. */
  where: request(OF_LINE, object({ here: text, holders: listOf(text) })),
  /** Stops the task of the selected room, which `task` has shown. */
  'cancel-task': request(IN_ROOM, NOTHING),

  /** The user has seen the selected room down to this row. Shared with all faces. */
  read: request(OF_LINE, NOTHING),
  /** The text that is being typed. Saved for all faces within 5 s, and when the page is left. */
  draft: request({ ...IN_ROOM, text }, NOTHING),
  /** A key was pressed in the text. */
  typing: request(IN_ROOM, NOTHING),
  notify: request({ ...IN_ROOM, level: oneOf(['all', 'mentions', 'none']) }, NOTHING),

  /**
   * Finds lines, the newest first, at most 100: `from:bob since:mon "two words" -without in:all`. `progress` comes before the answer.
   * `page` with `around` has the lines around one, after its room was selected.
   */
  search: request(
    { ...IN_ROOM, text },
    object({ found: listOf(object({ room: text, shown: text, row: ROW })), notes: listOf(text) }),
  ),

  /** The members of a private room. */
  members: request(
    IN_ROOM,
    object({
      members: listOf(MEMBER),
      /** Newcomers who wait for an admin: `/admit key` and `/refuse key` decide. */
      waiting: listOf(object({ key: text, name: text })),
      former: listOf(FORMER_MEMBER),
    }),
  ),
  /** A new invitation. `forMs`: how long it is valid. `role`: default as in the terminal. */
  invite: request(
    { ...IN_ROOM, uses: count, forMs: count, role: optional(oneOf(['member', 'host', 'admin'])) },
    object({
      code: text,
      id: text,
      until: number,
      uses: count,
      /** Which earlier lines newcomers are given: a sentence. */
      history: text,
      /** The code as a QR code: rows of `0` and `1`, with its quiet zone. */
      qr: listOf(text),
    }),
  ),
  invites: request(IN_ROOM, object({ invitations: listOf(INVITATION) })),
  uninvite: request({ ...IN_ROOM, invitation: text }, NOTHING),
  /** Founds a private room, and opens it. With `hasRescue`, the rescue words are in this answer, and nowhere else. */
  'room-new': request(
    { name: text, isClosed: boolean, keep: optional(text), hasRescue: boolean },
    object({ room: text, rescueWords: listOf(text) }),
  ),
  /** Enters a private room with a code, and opens it. `progress` says whom it waits for, which may take days. */
  join: request({ code: text }, object({ room: text })),
  /** Ends the membership of a private room for good. Its history stays here. */
  leave: request(IN_ROOM, NOTHING),
  /** Opens the room of the user and one other person, by their name. */
  direct: request({ who: text }, object({ room: text, /** What delivery waits for; may be empty. */ text })),
  /** Those who ask to talk with the user. */
  asking: request({}, object({ asking: listOf(ASKING) })),
  /** Talks with somebody who asks, under this name. */
  accept: request({ key: text, name: text }, NOTHING),
  decline: request({ key: text, name: text }, NOTHING),

  /**
   * Sends a file. After the request, the page sends its bytes as binary messages with the id of the request (`bytes.ts`), no further than
   * `grant` allows, which comes at once for the first TRANSFER_WINDOW_BYTES. Answered when its line is on the disk.
   * `isRaw`: a picture is sent with its metadata.
   */
  upload: request(
    { ...IN_ROOM, name: text, bytes: count, isRaw: boolean },
    object({ /** A warning; may be empty. */ text }),
  ),
  /**
   * Fetches the file of a line from the peers that have it. `progress` comes while it is fetched; then `transfer`, which says how many bytes
   * follow as binary messages, no further than the page grants; then the answer.
   */
  download: request({ ...OF_LINE, isConfirmed: boolean }, object({ name: text, bytes: count })),
  /**
   * The picture of a line, scaled down to fit a box (1 to PICTURE_SIDE_MAX each): `transfer` and the bytes of a PNG file, as in `download`.
   * It was decoded elsewhere and encoded anew, so that no byte of the file reaches the page.
   */
  picture: request({ ...OF_LINE, width: count, height: count }, object({ width: count, height: count })),
  /** Gives up a request that is not answered yet: it is answered with `failed`, `ABORTED`. */
  cancel: request({ request: count }, NOTHING),
  /** More bytes of the answer to a request may be sent: the sum of all grants is how many. The first TRANSFER_WINDOW_BYTES need none. */
  grant: request({ request: count, bytes: count }, NOTHING),

  /** Finds out why peers do not connect; `peers`: names or addresses. Takes a few seconds. */
  doctor: request({ ...IN_ROOM, peers: listOf(text) }, object({ isOk: boolean, findings: listOf(FINDING) })),
  /** A backup sealed with a passphrase, of at least 8 characters: `transfer` and bytes, as in `download`. */
  backup: request({ passphrase: text }, object({ name: text, bytes: count })),
} as const satisfies Readonly<Record<string, Definition>>

export type RequestKind = keyof typeof REQUESTS
/** The members of a request besides `kind` and `id`. */
export type Asked<K extends RequestKind> = RecordOf<(typeof REQUESTS)[K]['asks']>
export type Answer<K extends RequestKind> = Guarded<(typeof REQUESTS)[K]['answer']>
