import { reasonOf } from '../base/errors.js'

/** Why a dial failed: no connection, or a handshake that did not complete. */
export const DIAL_FAILURES = [
  /** Nothing listens at the address. */
  'refused',
  'host-unreachable',
  'network-unreachable',
  'no-answer',
  /** The peer closed the connection. */
  'closed',
  'unknown-host',
  /** No one on the local network answers to the name. */
  'no-such-peer',
  'other-protocol',
  /** The peer speaks a version that this program no longer supports. */
  'older-version',
  'malformed-handshake',
  /** The handshake was modified in transit, by a man in the middle or a faulty peer. */
  'altered',
  'other-room',
  'unproven-key',
  /** Scuttleup peers know no rooms, and can connect in the lobby only. */
  'lobby-only',
  /** The user asked for encryption, and the peer is a scuttleup peer, which cannot encrypt. */
  'encrypted-only',
  /** It looks like a scuttleup peer, but a native peer is announced at this address: possibly a downgrade attack. */
  'announced-native',
  /** Anything else: `detail` is the system's message. */
  'other',
] as const

export type DialFailureReason = (typeof DIAL_FAILURES)[number]

export interface DialFailure {
  readonly reason: DialFailureReason
  readonly detail?: string | undefined
}

/** The error of a `PeerSource` that cannot connect. */
export class DialError extends Error {
  readonly failure: DialFailure

  constructor(reason: DialFailureReason, options: { readonly cause?: unknown; readonly detail?: string } = {}) {
    const { cause, detail } = options
    super(detail ?? reason, cause === undefined ? undefined : { cause })
    this.failure = { reason, ...(detail !== undefined && { detail }) }
  }
}

export const dialFailureOf = (error: unknown): DialFailure =>
  error instanceof DialError ? error.failure : { reason: 'other', detail: reasonOf(error) }
