import type { AuthorId } from '../log/format/author.js'
import type { Hlc } from '../log/format/hybrid-clock.js'
import type { Introducer } from '../log/stranger-quota.js'
import type { OpenSideChannel } from '../net/side-channel.js'
import type { SyncEvent } from './events.js'

export interface ReplicationOptions {
  /** Whether to continue sending new entries once the other side has caught up. Default: true. */
  readonly live?: boolean
  /** The name under which the peer's receipts are recorded. Default: they are not recorded. */
  readonly replica?: string
  /** The connection's other end: strangers' quota is shared by introducer. */
  readonly introducer?: Introducer
  /** Whether the user knows that peer: receipts of strangers are counted separately. Default: true. */
  readonly isKnown?: () => boolean
  /** Called when something that the other side sent is rejected. */
  readonly onEvent?: (event: SyncEvent) => void
}

export interface NativeReplicationOptions extends ReplicationOptions {
  /** The author at the other side, if proven. */
  readonly peer?: AuthorId | undefined
  /**
   * The date from which the peer is given content, called before each send. Older content is sent as stubs, except the peer's own. Default,
   * and if undefined: no limit.
   */
  readonly givenFrom?: (() => Hlc | undefined) | undefined
  /** Opens the side channel of this connection. */
  readonly sideChannel?: OpenSideChannel
}
