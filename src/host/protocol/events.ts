import { EVENT_KINDS, type NodeEvent } from '../../node/events.js'

/** What a face learns besides what its node reports. */
export type HostEvent =
  /** The node has the room open already: other faces are attached, or the node stays without faces. */
  | { readonly kind: 'already-open'; readonly name: string; readonly hasOtherFaces: boolean }
  /** The node does not answer, or is gone and is not found again. */
  | { readonly kind: 'node-silent'; readonly name: string; readonly pid?: number | undefined; readonly sinceMs: number }
  | { readonly kind: 'node-answers' }
  /** The node refused to connect to a peer; `detail` is the message of a `ChatError`. */
  | { readonly kind: 'connect-refused'; readonly peer: string; readonly detail: string }
  /** A newer node reports an event that this face does not know. */
  | { readonly kind: 'unknown-event'; readonly name: string }

/** What a face shows to its user. */
export type FaceEvent = NodeEvent | HostEvent

export const FACE_EVENT_KINDS = {
  ...EVENT_KINDS,
  'already-open': 'change',
  'node-silent': 'problem',
  'node-answers': 'change',
  'connect-refused': 'problem',
  'unknown-event': 'problem',
} as const satisfies Record<FaceEvent['kind'], 'problem' | 'change'>

export const isProblem = ({ kind }: FaceEvent): boolean => FACE_EVENT_KINDS[kind] === 'problem'
