import { change, type EventOf, problem } from '../../base/event-kinds.js'
import { boolean, count, number, optional, text } from '../../base/shape.js'
import { NODE_EVENTS } from '../../node/events.js'

/** Events that a face raises itself, in addition to those that its node reports. */
const HOST_EVENTS = {
  /** The node has the room open already: other faces are attached, or the node stays without faces. */
  'already-open': change({ name: text, hasOtherFaces: boolean }),
  /** The node does not answer; or it is gone, and no other was found. */
  'node-silent': problem({ name: text, pid: optional(count), sinceMs: number }),
  'node-answers': change({}),
  /** The node refused to connect to a peer; `detail` is the message of a `ChatError`. */
  'connect-refused': problem({ peer: text, detail: text }),
  /** A newer node reports an event that this face does not know. */
  'unknown-event': problem({ name: text }),
}

export const FACE_EVENTS = { ...NODE_EVENTS, ...HOST_EVENTS }

export type HostEvent = EventOf<typeof HOST_EVENTS>

/** The events that a face shows to its user. */
export type FaceEvent = EventOf<typeof FACE_EVENTS>

export const isProblem = ({ kind }: FaceEvent): boolean => FACE_EVENTS[kind].level === 'problem'
