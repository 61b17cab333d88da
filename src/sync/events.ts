import type { Rejection } from '../log/format/log-fault.js'
import type { Violation } from '../net/violation.js'

/** What the other side of a replication sent, and this side did not accept. */
export type SyncEvent =
  /** Entries of one author were rejected; further ones of this connection are ignored. `author` is as the peer sent it. */
  | { readonly kind: 'entries-rejected'; readonly author: string; readonly reason: Rejection }
  /** The other side broke the protocol, and was disconnected. */
  | { readonly kind: 'protocol-violated'; readonly violation: Violation }
