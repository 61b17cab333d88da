import type { AuthorId } from '../log/format/author.js'
import type { OpenSideChannel } from '../net/side-channel.js'

export interface ReplicationOptions {
  /** Whether to send what arrives after the other side has caught up; true unless given. */
  readonly live?: boolean
  /** The name under which the peer's receipts count; without it they are not recorded. */
  readonly replica?: string
  /** How many new authors this replication may bring in an hour; without it as many as the log has room for. */
  readonly newAuthorsPerHourMax?: number
  /** Called when the other side has announced how far its logs go. */
  readonly onHeads?: () => void
  /** Called with a line for the user on what the other side sent and was rejected. */
  readonly onWarning?: (line: string) => void
}

export interface NativeReplicationOptions extends ReplicationOptions {
  /** The author at the other side, where that is proven. */
  readonly peer?: AuthorId | undefined
  /** Opens what else travels on this connection. */
  readonly sideChannel?: OpenSideChannel
}
