import {
  boolean,
  count,
  type Guarded,
  isFields,
  listOf,
  type Members,
  number,
  optional,
  type RecordOf,
  type Shape,
  text,
  variant,
} from '../../../base/shape.js'
import { object } from './object.js'
import { type Answer, REQUESTS, type RequestKind } from './requests.js'
import { PERSON, ROW } from './rows.js'
import { NODE_STATE, NOTICE, ROOM, ROOM_STATE } from './state.js'

// The messages on one WebSocket between the page and `persisted-chat web`: JSON texts, and binary messages for bytes of files.
//
//   page                                   server
//   hello ─────────────────────────────▶   (within TOKEN_MS_MAX)
//         ◀───────────────────────────── welcome, or close
//         ◀───────────────────────────── rooms, node
//   request 1: select ─────────────────▶
//         ◀───────────────────────────── answer 1, then state, rows … of the room
//   request 2: say ────────────────────▶
//         ◀───────────────────────────── rows (the line), answer 2
//
// A page that reconnects sends hello, and selects its room again. No other state survives the connection.

/** The first message of the page. */
export const HELLO = object({ kind: text, token: text, version: count })
export interface Hello {
  readonly kind: 'hello'
  /** The token in the fragment of the address. */
  readonly token: string
  /** WEB_PROTOCOL_VERSION */
  readonly version: number
}

type Merge<K extends RequestKind> = {
  readonly [E in K]: { readonly kind: E; readonly id: number } & RecordOf<(typeof REQUESTS)[E]['asks']>
}[K]
/** `id`: 1, 2, 3 …, the number of this request on this connection. */
export type Request<K extends RequestKind = RequestKind> = Merge<K>

const REQUEST: Shape<unknown> = variant(
  Object.fromEntries(
    Object.entries(REQUESTS).map(([kind, { asks }]) => [kind, { ...(asks as Members), id: count }] as const),
  ),
)

/** Ids of requests take four bytes in binary messages. */
const ID_MAX = 0xffff_ffff

/** A message of the page after its hello; undefined if it is malformed. Never throws. */
export function parseRequest(message: string): Request | undefined {
  const value = parsed(message)
  if (!REQUEST(value)) return undefined
  const request = value as Request
  return request.id >= 1 && request.id <= ID_MAX ? request : undefined
}

/** The first message of a page; undefined if it is malformed. Never throws. */
export function parseHello(message: string): Hello | undefined {
  const value = parsed(message)
  return HELLO(value) && value.kind === 'hello' ? { ...value, kind: 'hello' } : undefined
}

/** The messages of the server: events and answers. */
export const SERVER_MESSAGE = variant({
  /** The token is right. */
  welcome: {
    /** The name of the user. */
    me: text,
    person: PERSON,
    /** The room to select first, unless the page remembers another one. */
    room: text,
    /** Commands for completion: `/` and the name, as in `/help`. */
    commands: listOf(object({ name: text, argument: text, help: text })),
    /** The version of persisted-chat. */
    version: text,
  },
  /** All open rooms, whenever one of them changes; at most 10 times per second. */
  rooms: { rooms: listOf(ROOM), /** The number of message requests. */ asking: count },
  /** The state of the node: once after `welcome`, then whenever it changes. */
  node: { node: NODE_STATE },
  /** A command goes to a room: the page selects it. */
  show: { room: text, /** The id of a row to go to. */ line: optional(text) },

  /** The state of the selected room has changed. */
  state: { state: ROOM_STATE },
  /**
   * New (`isNew`) or changed rows of the selected room, in the order of their arrival. A row replaces the row with its id. The page inserts
   * other new rows by `order`, and ignores other changed rows. A page that does not show the end of the history only counts the new rows.
   * At most 20 messages per second, with 200 rows each: `skipped` counts the new rows that were dropped beyond this limit.
   */
  rows: { room: text, isNew: boolean, rows: listOf(ROW), skipped: count },
  /** These rows were removed: lines that stopped counting, or the evicted log of a stranger. */
  removed: { room: text, ids: listOf(text) },
  /** The output of a command, and what the program reports about this room. */
  notices: { room: text, notices: listOf(NOTICE) },
  /** Lines that a command such as `/last` or `/since` shows, between a title and an end. */
  quote: { room: text, title: text, rows: listOf(ROW), end: text },
  /** The progress of a command in the selected room: `verifying 3 of 12`. Without `text`: the command has ended. */
  task: { room: text, text: optional(text) },
  /** The user typed `/preview`: the page shows the picture of this line. */
  preview: { room: text, line: text },
  /** A message that rings at the notify level of its room; the page may show another room. Contains text of others. */
  ring: { room: text, shown: text, author: text, text, line: text },
  /** The page read too slowly, and events were dropped. The page selects its room again. */
  resync: {},

  answer: { id: count, value: object({}) },
  /** One sentence about why a request failed, and what to do; may be empty. */
  failed: { id: count, code: text, text, next: text },
  /** The progress of a request. `done` and `of`: bytes or percents, if known. */
  progress: { id: count, text, done: optional(number), of: optional(number) },
  /** The bytes of the answer to this request follow. */
  transfer: { id: count, bytes: count, name: text },
  /** The page may send this many bytes of the upload in total. */
  grant: { id: count, upTo: count },
  /** `persisted-chat web` is ending. */
  bye: { text, isEnded: boolean },
})
export type ServerMessage = Guarded<typeof SERVER_MESSAGE>
export type ServerEvent = Exclude<
  ServerMessage,
  { readonly kind: 'answer' | 'failed' | 'progress' | 'transfer' | 'grant' }
>

/** A message of the server; undefined if it is malformed or unknown. Never throws. */
export function parseServerMessage(message: string): ServerMessage | undefined {
  const value = parsed(message)
  return SERVER_MESSAGE(value) ? value : undefined
}

/** The value of an answer to a request of this kind; undefined if it is malformed. */
export function parseAnswer<K extends RequestKind>(kind: K, value: unknown): Answer<K> | undefined {
  const shape: Shape<unknown> = REQUESTS[kind].answer
  return shape(value) ? (value as Answer<K>) : undefined
}

/** Undefined if the text is not a JSON object. */
function parsed(message: string): unknown {
  try {
    const value: unknown = JSON.parse(message)
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}
