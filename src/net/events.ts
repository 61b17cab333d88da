import type { DialAttempt } from './dial-target.js'

/** Why an open connection closed. */
export const CLOSE_REASONS = [
  /** The other side ended it. */
  'closed',
  /** It broke before the other side ended it. */
  'cut',
  /** The bytes are not what the other side sent: modified, replayed, dropped or reflected. */
  'altered',
  'protocol-violated',
  /** The peer was silent for too long. */
  'silent',
  /** The peer did not read the frames that were queued for it. */
  'not-reading',
  /** A connection that the user asked for took its place. */
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

/** What happens to a peer that is dialled. */
export type DialEvent =
  /** Reported once per reason, and at the 10th, 100th, … failure. The peer is dialled again. */
  | ({ readonly kind: 'dial-failed' } & DialAttempt)
  /** The address of a dialled peer led to this process. Reported once; it is dialled again, seldom. */
  | { readonly kind: 'dialled-self'; readonly name: string; readonly address: DialAttempt['address'] }

/** What happens on the network. All fields are JSON; a face makes sentences of them. */
export type NetEvent =
  | DialEvent
  /** A peer that speaks an older version dialled us. Reported once per address. */
  | { readonly kind: 'older-version'; readonly address: string }
  /** Multicast DNS needs an interface: peers are reached by address only. */
  | { readonly kind: 'no-interface' }
  /** The UDP port of multicast DNS is unavailable; `code` is the system's. */
  | { readonly kind: 'multicast-port-unavailable'; readonly port: number; readonly code: string }
  | {
      readonly kind: 'multicast-failed'
      readonly interface: string
      readonly address: string
      readonly code: string
    }
