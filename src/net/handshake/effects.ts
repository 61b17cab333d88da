import type { DialFailureReason } from '../dial-failure.js'
import type { Records } from '../sealed/records.js'
import type { Hello } from './hello.js'

/** What the handshake shows of the other end. */
export type Remote =
  | {
      readonly kind: 'native'
      readonly address: string
      readonly instance: string
      /** The author's public key, proven, as hex. */
      readonly key: string
      /** Whether it has been running for longer than this process. */
      readonly isOlder: boolean
      /** How far its clock is ahead of ours, in milliseconds. */
      readonly aheadMs: number
    }
  | { readonly kind: 'scuttleup'; readonly address: string }

export type HandshakeEffect =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** The handshake is complete. `records` seal a connection with a native peer; `rest` are a scuttleup peer's first bytes. */
  | { readonly kind: 'opened'; readonly remote: Remote; readonly rest: Uint8Array; readonly records?: Records }
  /** Only with `isProbe`: a native peer has proven the key of this Hello, and the handshake ends before our proof. */
  | { readonly kind: 'identified'; readonly hello: Hello; readonly isSameRoom: boolean }
  | { readonly kind: 'failed'; readonly reason: DialFailureReason }
