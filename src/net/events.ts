import { type EventOf, problem } from '../base/event-kinds.js'
import { count, text } from '../base/shape.js'
import { DIAL_ATTEMPT } from './dial-target.js'
import { ADDRESS } from './lan/address.js'

/** Why an open connection closed. */
export const CLOSE_REASONS = [
  /** The other side ended it. */
  'closed',
  /** The connection broke before the other side ended it. */
  'cut',
  /** The bytes were modified, replayed, dropped or reflected on the way. */
  'altered',
  'protocol-violated',
  /** The peer was silent for too long. */
  'silent',
  /** The peer did not read the frames that were queued for it. */
  'not-reading',
  /** Evicted in favour of a connection that the user asked for. */
  'evicted',
  /** Another connection leads to the same peer. */
  'replaced',
  'connected-to-self',
  /** The limit on connections is reached. */
  'connection-limit',
  /** The overlay needs no further connection. */
  'enough-connections',
] as const

export type CloseReason = (typeof CLOSE_REASONS)[number]

const DIAL_EVENTS = {
  /** A peer cannot be reached; it is dialled again. Once per reason, and at the 10th, 100th, … try. */
  'dial-failed': problem(DIAL_ATTEMPT),
  /** The address of a peer led to this process; it is redialled at the longest interval. Once per peer. */
  'dialled-self': problem({ name: text, address: ADDRESS }),
}

/** Events of the network. */
export const NET_EVENTS = {
  ...DIAL_EVENTS,
  /** A peer that speaks an older version dialled us: it cannot connect. Once per address. */
  'older-version': problem({ address: text }),
  /** There is no network interface: peers are reached by address only. */
  'no-interface': problem({}),
  /** The UDP port of multicast DNS is unavailable; `code` is the system's. */
  'multicast-port-unavailable': problem({ port: count, code: text }),
  /** No multicast on an interface: peers there are reached by address only. */
  'multicast-failed': problem({ interface: text, address: text, code: text }),
}

/** Events of a peer that is dialled. */
export type DialEvent = EventOf<typeof DIAL_EVENTS>

export type NetEvent = EventOf<typeof NET_EVENTS>
