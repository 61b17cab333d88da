import { boolean, count, type Guarded, listOf, number, oneOf, optional, text } from '../../../base/shape.js'
import { object } from './object.js'
import { PERSON } from './rows.js'

/** An open room. The list is in the order in which the rooms were opened, and shared by all faces of the user. */
export const ROOM = object({
  /** Names the room in requests. */
  name: text,
  /** `#ops`, or `@bob` for a conversation of two. */
  shown: text,
  kind: oneOf(['public', 'private', 'direct']),
  /** Number of messages beyond the read marks. In the selected room, messages in view are unread too until the page sends `read`. */
  unread: count,
  mentions: count,
  /** Whether the room is parked: `select` opens it again. */
  isParked: boolean,
})
export type Room = Guarded<typeof ROOM>

/** A room of the user that is not open. */
export const CLOSED_ROOM = object({
  name: text,
  shown: text,
  kind: oneOf(['public', 'private', 'direct']),
})
export type ClosedRoom = Guarded<typeof CLOSED_ROOM>

/** Somebody who is, or was, in the room. */
export const PRESENT = object({
  person: PERSON,
  state: oneOf(['connected', 'indirect', 'left']),
  /** Their away message, which may be empty. */
  away: optional(text),
  isTyping: boolean,
  /** `connected`, `through others, 2 connections away`, `left, last heard 14:03` */
  text,
})
export type Present = Guarded<typeof PRESENT>

/** What the page shows about the room that it has selected. */
export const ROOM_STATE = object({
  room: text,
  /** The name under which the next line of the user is sent. */
  nick: text,
  topic: text,
  isAway: boolean,
  /** People who have left come last. Strangers beyond 50 are counted instead of listed. */
  people: listOf(PRESENT),
  strangersMore: count,
  /** Names of the people who are typing. */
  typing: listOf(text),
  /** One sentence for each fact about the connections: `connected to bob, carol`, `trying dave (no answer, 3 times)` */
  connections: listOf(text),
  /** Whether any peer is connected. */
  isConnected: boolean,
  /** The delivery of the user's last line; left out if they have written none in this session. */
  delivery: optional(text),
  /** Lines of the user that are not on the disk yet. */
  unsaved: count,
  notify: oneOf(['all', 'mentions', 'none']),
  /** Sentences about older lines that are not stored here: `1,204 older lines are with carol: /fetch` */
  older: listOf(text),
})
export type RoomState = Guarded<typeof ROOM_STATE>

/** The state of the connection between `persisted-chat web` and the node. */
export const NODE_STATE = object({
  /**
   * `here`: the node answers. `silent`: it does not answer, or another one is starting; requests wait. `ended`: it was stopped, or cannot be
   * started; `persisted-chat web` ends.
   */
  state: oneOf(['here', 'silent', 'ended']),
  /** A sentence for the user. */
  text,
  /** When the node became silent. */
  since: optional(number),
})
export type NodeState = Guarded<typeof NODE_STATE>

/** A notice: a line of a command or of the program, shown apart from the conversation. */
export const NOTICE = object({
  /** `list`: a row of a table, with columns separated by two or more spaces. */
  level: oneOf(['info', 'warning', 'list']),
  text,
})
export type Notice = Guarded<typeof NOTICE>

/** A message request. */
export const ASKING = object({
  key: text,
  /** The name that they claim; empty if it could mislead. */
  name: text,
  since: number,
  text,
})
export type Asking = Guarded<typeof ASKING>

export const MEMBER = object({
  key: text,
  name: text,
  role: text,
  /** The key of the member who admitted them; left out for the founder. The admissions form a tree. */
  by: optional(text),
  since: number,
  /** Whether they store the lines of the room for others. */
  isKeeper: boolean,
  isOwn: boolean,
})
export type Member = Guarded<typeof MEMBER>

export const FORMER_MEMBER = object({
  key: text,
  name: text,
  /** `left`, `was removed` */
  text,
})

export const INVITATION = object({
  id: text,
  state: text,
  role: text,
  by: text,
  until: number,
  uses: count,
  /** The people who used the invitation. */
  admitted: listOf(text),
})
export type Invitation = Guarded<typeof INVITATION>

export const FINDING = object({ check: text, isOk: boolean, text, next: text })
export type Finding = Guarded<typeof FINDING>
