import type { DialFailureReason } from '../dial-failure.js'
import type { Records } from '../sealed/records.js'

/** The properties of a native peer that the handshake proves or states. */
export interface NativeRemote {
  readonly kind: 'native'
  readonly address: string
  /** The peer's protocol version. */
  readonly version: number
  readonly instance: string
  /** The author's public key, proven, as hex. */
  readonly key: string
  /** How far its clock is ahead of ours, in milliseconds. */
  readonly aheadMs: number
}

export interface ScuttleupRemote {
  readonly kind: 'scuttleup'
  readonly address: string
}

/** The other end, as the handshake identified it. */
export type Remote = NativeRemote | ScuttleupRemote

/** The handshake with a native peer is complete. */
interface SealedEffect {
  readonly kind: 'sealed'
  readonly remote: NativeRemote
  readonly records: Records
  /** The handshake hash, which both signatures cover. */
  readonly handshakeHash: Uint8Array
}

export type HandshakeEffect =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | SealedEffect
  /** The other side is a scuttleup peer; `rest` are its first bytes. */
  | { readonly kind: 'opened'; readonly remote: ScuttleupRemote; readonly rest: Uint8Array }
  | { readonly kind: 'failed'; readonly reason: DialFailureReason }
