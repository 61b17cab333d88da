import type { Clock } from '../base/clock.js'
import type { KeyPair } from '../base/crypto/signing.js'
import type { Random } from '../base/random.js'
import type { Log } from '../log/log.js'
import type { RoomChannels } from '../net/room-channels.js'
import type { Replicator } from '../sync/replicator.js'
import type { DirectRoom } from './direct-rooms/direct-room.js'
import type { Erasures } from './erasures.js'
import type { NodeEvent } from './events.js'
import type { RoomFiles } from './files/room-files.js'
import type { Pins } from './people/pins.js'
import type { ChatPlaces } from './private-rooms/chat-places.js'
import type { RoomMembers } from './private-rooms/room-members.js'
import type { Retention } from './retention/retention.js'
import type { StoredLabels } from './stored-labels.js'

export interface RoomEvents {
  /** Something happened that the user may want to know. */
  event: [NodeEvent]
  /** Connections, dial attempts or delivery status changed. */
  change: []
  /** The people who are present, away or typing changed. */
  presence: []
  /** A log grew. */
  heads: []
  /** A connection is being closed because the view is full. The argument is the start of the peer's key. */
  dropped: [string]
  /** The room is closed. */
  close: []
}

/** The parts of a room. The room closes them. */
export interface RoomParts {
  /** The user's name, as messages carry it. */
  readonly me: string
  /** The room's name; undefined in the lobby. */
  readonly room?: string | undefined
  /** The members, if the room is private. */
  readonly members?: RoomMembers | undefined
  /** The two people, if the room is direct. */
  readonly direct?: DirectRoom | undefined
  /** Which entries of each log count, if the room is private. */
  readonly chatPlaces?: ChatPlaces
  readonly log: Log
  /** The labels of lines. Default: lines have none. */
  readonly labels?: StoredLabels
  /** Drops what authors erase. Default: nothing is dropped. */
  readonly erasures?: Erasures
  /** The contents of files. Default: files are neither sent nor fetched. */
  readonly files?: RoomFiles
  /** Drops content that the room, or this machine, does not keep. */
  readonly retention?: Retention
  /** Replicates the log with every peer. */
  readonly replicator: Replicator
  readonly connections: RoomChannels
  /** The network that the channels belong to, if it ends with the room. */
  readonly network?: { close(): Promise<void> }
  readonly clock: Clock
  readonly random: Pick<Random, 'number'>
  /** The key that signs our log. */
  readonly keys: KeyPair
  /** The address that the room listens on, as peers know it; undefined if it does not listen. */
  readonly listensOn?: string
  /** The people whom the user knows. Default: nobody, until they name a peer. */
  readonly pins?: Pins
  /** The name under which the peer with this key is announced on the local network; undefined if it is not announced. */
  readonly announcedAs?: (key: string) => string | undefined
  /** Whether it finds further peers through the connected ones. */
  readonly hasPeerExchange: boolean
}
