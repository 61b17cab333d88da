import { type EventOf, problem } from '../base/event-kinds.js'
import { oneOf, text } from '../base/shape.js'
import { REJECTION } from '../log/format/log-fault.js'
import { VIOLATIONS } from '../net/violation.js'

/** Rejections of data that the other side of a replication sent. */
export const SYNC_EVENTS = {
  /**
   * A peer sent entries that are invalid or exceed a limit; further entries of the author are ignored on this connection. `author` is as
   * the peer sent it.
   */
  'entries-rejected': problem({ author: text, reason: REJECTION }),
  /** A peer broke the protocol, and was disconnected. */
  'protocol-violated': problem({ violation: oneOf(VIOLATIONS) }),
}

export type SyncEvent = EventOf<typeof SYNC_EVENTS>
