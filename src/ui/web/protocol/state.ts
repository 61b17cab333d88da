import { boolean, count, type Guarded, listOf, number, oneOf, optional, text } from '../../../base/shape.js'
import { object } from './object.js'
import { PERSON } from './rows.js'

/** A room that is open, in the order in which the rooms were opened. All faces of the user share this list. */
export const ROOM = object({
  /** Names the room in requests. */
  name: text,
  /** `#ops`, or `@bob` for a conversation of two. */
  shown: text,
  kind: oneOf(['public', 'private', 'direct']),
  /** Number of messages beyond the read marks; in the room that the page shows too, until the page sends `read`. */
  unread: count,
  mentions: count,
  /** Whether the node has closed the room in favour of others: `select` opens it again. */
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
  /** The name that the next line of the user carries. */
  nick: text,
  topic: text,
  isAway: boolean,
  /** People who are not here any more come last. Strangers beyond 50 are left out, and counted. */
  people: listOf(PRESENT),
  strangersMore: count,
  /** Names of those who are typing now. */
  typing: listOf(text),
  /** The state of the connections, in a few words each: `connected to bob and carol`, `trying dave (no answer, 3 times)`, `alone` */
  connections: listOf(text),
  /** Whether any peer is connected. */
  isConnected: boolean,
  /** Where the user's last line is; left out if they have written none in this session. */
  delivery: optional(text),
  /** Lines of the user that are not on the disk yet. */
  unsaved: count,
  notify: oneOf(['all', 'mentions', 'none']),
  /** Sentences about older lines that are not here: `1,204 older lines are with carol: /fetch` */
  older: listOf(text),
})
export type RoomState = Guarded<typeof ROOM_STATE>

/** Whether the node of the user answers. */
export const NODE_STATE = object({
  /**
   * `here`; `silent`: it does not answer, or another one is being started: requests wait; `ended`: it was stopped, or cannot be started:
   * `persisted-chat web` ends.
   */
  state: oneOf(['here', 'silent', 'ended']),
  /** What to tell the user. */
  text,
  /** Since when it is silent. */
  since: optional(number),
})
export type NodeState = Guarded<typeof NODE_STATE>

/** A row that a command or the program says, apart from the conversation. */
export const NOTICE = object({
  /** `list`: a row of a list, whose columns are separated by two or more spaces. */
  level: oneOf(['info', 'warning', 'list']),
  text,
})
export type Notice = Guarded<typeof NOTICE>

/** Somebody who asks to talk with the user. */
export const ASKING = object({
  key: text,
  /** What they call themselves; empty if that could mislead. Unproven. */
  name: text,
  since: number,
  text,
})
export type Asking = Guarded<typeof ASKING>

export const MEMBER = object({
  key: text,
  name: text,
  role: text,
  /** The key of who admitted them; left out for the founder: the members are a tree. */
  by: optional(text),
  since: number,
  /** Whether they keep the lines of the room for others. */
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
  /** Who used it. */
  admitted: listOf(text),
})
export type Invitation = Guarded<typeof INVITATION>

export const FINDING = object({ check: text, isOk: boolean, text, next: text })
export type Finding = Guarded<typeof FINDING>
