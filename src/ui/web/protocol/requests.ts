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

/** The room that a request concerns: the selected one, or another open one. */
const IN_ROOM = { room: text } as const
/** A line, by the id of its row. */
const OF_LINE = { room: text, line: text } as const

/** Defines a request: its members besides `kind` and `id`, and the shape of its answer. */
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
 * The requests of a page. Each is answered once, by its id: with an `answer` of this shape, or with `failed`. Answers may come in any
 * order. If the node is lost, a request waits until a node runs again, unless the page cancels the request.
 */
export const REQUESTS = {
  /**
   * Selects the room that this page shows, and opens it if it is closed. After the answer, the server sends `rows`, `state`, `notices` and
   * `task` for this room only. `page` has the rows around the first unread line, or the last rows.
   */
  select: request(
    IN_ROOM,
    object({ room: text, page: PAGE, mark: optional(UNREAD_MARK), draft: text, state: ROOM_STATE }),
  ),
  /** Closes a room; it stays closed at the next start. Its history stays on the disk. Fails for the only open room. */
  close: request(IN_ROOM, NOTHING),
  /** The rooms of the user that are not open. */
  'closed-rooms': request({}, object({ rooms: listOf(CLOSED_ROOM) })),

  /**
   * Rows of the selected room. At most one member says where: `around`, `before` or `after`, with the id of a row; or `at`, a position
   * from 0 (the first entry) to 1 (the last one). Without any of them: the end of the history. `count`: 1 to PAGE_ROWS_MAX. The answer has
   * fewer rows at the ends of the history, and up to 3 more for each gap. Fails if the row was removed from the history.
   */
  page: request(
    { ...IN_ROOM, around: optional(text), before: optional(text), after: optional(text), at: optional(number), count },
    PAGE,
  ),
  /** The whole text of a folded line. */
  whole: request(OF_LINE, object({ row: ROW })),

  /**
   * Sends a typed text. A text that begins with `/` is a command: all commands of the terminal work. `//text` sends `/text`. The output of a
   * command comes as `notices` and `quote`, before the answer. Answered when the line is on the disk, or when the command has ended. The row
   * of the line comes as `rows`, before or after the answer.
   */
  say: request({ ...IN_ROOM, text }, NOTHING),
  reply: request({ ...OF_LINE, text }, NOTHING),
  /** Adds an emoji, or takes the user's own back with `isRemoved`. */
  react: request({ ...OF_LINE, emoji: text, isRemoved: boolean }, NOTHING),
  /** Replaces the text of a line of the user, for everyone. */
  edit: request({ ...OF_LINE, text }, NOTHING),
  /** Deletes a line of the user. Answered within 5 s; `text` says which peers deleted it too: `b12 was deleted here, and dropped by 2 of 3 peers`. */
  delete: request(OF_LINE, object({ text })),
  /** The earlier texts of a line, the first one first. */
  history: request(OF_LINE, object({ versions: listOf(object({ at: number, text })) })),
  /** Sentences about the peers that report having a line. */
  where: request(OF_LINE, object({ here: text, holders: listOf(text) })),
  /** Stops the task of the selected room that `task` reports. */
  'cancel-task': request(IN_ROOM, NOTHING),

  /** The user has seen the selected room down to this row. All faces of the user share this mark. */
  read: request(OF_LINE, NOTHING),
  /** The draft of the selected room. Saved for all faces within 5 s, and when the page is closed. */
  draft: request({ ...IN_ROOM, text }, NOTHING),
  /** The user is typing. */
  typing: request(IN_ROOM, NOTHING),
  notify: request({ ...IN_ROOM, level: oneOf(['all', 'mentions', 'none']) }, NOTHING),

  /**
   * Searches lines, the newest first, at most 100: `from:bob since:mon "two words" -without in:all`. `progress` comes before the answer.
   * To show a found line in its context, select its room, then request `page` with `around`.
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
  /** Creates an invitation. `forMs`: how long it is valid. `role`: default as in the terminal. */
  invite: request(
    { ...IN_ROOM, uses: count, forMs: count, role: optional(oneOf(['member', 'host', 'admin'])) },
    object({
      code: text,
      id: text,
      until: number,
      uses: count,
      /** A sentence that says which earlier lines newcomers receive. */
      history: text,
      /** The code as a QR code: rows of `0` and `1`, with its quiet zone. */
      qr: listOf(text),
    }),
  ),
  invites: request(IN_ROOM, object({ invitations: listOf(INVITATION) })),
  uninvite: request({ ...IN_ROOM, invitation: text }, NOTHING),
  /** Founds a private room, and opens it. With `hasRescue`, the answer contains the rescue words, which are stored nowhere. */
  'room-new': request(
    { name: text, isClosed: boolean, keep: optional(text), hasRescue: boolean },
    object({ room: text, rescueWords: listOf(text) }),
  ),
  /** Enters a private room with a code, and opens it. This may take days; `progress` says who has to act. */
  join: request({ code: text }, object({ room: text })),
  /** Ends the membership of a private room for good. Its history stays here. */
  leave: request(IN_ROOM, NOTHING),
  /** Opens the direct room with one other person, by their name. */
  direct: request({ who: text }, object({ room: text, /** What delivery waits for; may be empty. */ text })),
  /** The message requests of the user. */
  asking: request({}, object({ asking: listOf(ASKING) })),
  /** Accepts a message request, and saves its sender under this name. */
  accept: request({ key: text, name: text }, NOTHING),
  decline: request({ key: text, name: text }, NOTHING),

  /**
   * Sends a file. After the request, the page sends its bytes as binary messages with the id of the request (`bytes.ts`), as far as `grant`
   * allows. The first grant, of TRANSFER_WINDOW_BYTES, comes at once. Answered when the line of the file is on the disk. `isRaw`: keep the
   * metadata of a picture.
   */
  upload: request(
    { ...IN_ROOM, name: text, bytes: count, isRaw: boolean },
    object({ /** A warning; may be empty. */ text }),
  ),
  /**
   * Fetches the file of a line from the peers that have it. The server sends `progress` meanwhile; then `transfer` with the number of bytes;
   * then the bytes as binary messages, as far as the page grants them; then the answer.
   */
  download: request({ ...OF_LINE, isConfirmed: boolean }, object({ name: text, bytes: count })),
  /**
   * The picture of a line, scaled down to fit a box (1 to PICTURE_SIDE_MAX each): `transfer` and the bytes of a PNG file, as in `download`.
   * A separate process decodes the picture, and the server encodes it anew, so that no byte of the file reaches the page.
   */
  picture: request({ ...OF_LINE, width: count, height: count }, object({ width: count, height: count })),
  /** Cancels an unanswered request, which then fails with `ABORTED`. */
  cancel: request({ request: count }, NOTHING),
  /** Lets the server send this many more bytes of the answer to a request. The first TRANSFER_WINDOW_BYTES need no grant. */
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
