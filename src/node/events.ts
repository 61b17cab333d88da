import type { Millis } from '../base/clock.js'
import type { KeyFileEvent } from '../base/crypto/key-file.js'
import type { DiskFailure } from '../base/files/disk-faults.js'
import type { LogEvent } from '../log/events.js'
import type { Role } from '../membership/format/role.js'
import type { DialAttempt } from '../net/dial-target.js'
import type { CloseReason, NetEvent } from '../net/events.js'
import type { SyncEvent } from '../sync/events.js'

/** The connections of a room, and the dial attempts without success. */
export interface ConnectionSummary {
  /** Names of the connected peers. */
  readonly connected: readonly string[]
  /** Of these, scuttleup peers: their connections are not encrypted. */
  readonly plain?: readonly string[]
  readonly dialing: readonly DialAttempt[]
  /** When the newest connection opened, unless it replaced another one to its peer. */
  readonly openedAt?: Millis
  /** How many more peers are present according to the connected ones. */
  readonly indirect?: number
}

/** What happens to the home and the connections of a room. Names of peers are as the peers sent them. */
export type RoomEvent =
  | KeyFileEvent
  | { readonly kind: 'key-created'; readonly name: string; readonly file: string }
  /** The key signed no entry in these logs, and its file has no checksum that would reveal damage. */
  | { readonly kind: 'key-without-entries'; readonly file: string }
  /** Other users had access to the directory. It was restricted, unless there is a `failure`. */
  | {
      readonly kind: 'directory-open-to-others'
      readonly directory: string
      readonly access: 'read' | 'write'
      readonly failure?: DiskFailure
    }
  /** The system clock is behind the release of the program: the peers' timestamps are used. */
  | { readonly kind: 'clock-unset'; readonly nowMs: number }
  | { readonly kind: 'logs-opened'; readonly database: string }
  | { readonly kind: 'listening'; readonly address: string; readonly room: string }
  /** The usual port is in use, and a free one is used instead. */
  | { readonly kind: 'port-taken'; readonly port: number; readonly usedPort: number }
  /** The name under which peers find us, and the interfaces: the first ones, and how many more. */
  | {
      readonly kind: 'announced'
      readonly name: string
      readonly chosenName: string
      readonly interfaces: readonly { readonly name: string; readonly address: string }[]
      readonly more: number
    }
  | { readonly kind: 'connection-opened'; readonly peer: string; readonly protocol: 'native' | 'scuttleup' }
  | { readonly kind: 'connection-lost'; readonly peer: string; readonly reason: CloseReason }
  /** The peer said goodbye. */
  | { readonly kind: 'peer-left'; readonly peer: string }
  /** How many more strangers came in the last minute, or left. The first one has an event of its own. */
  | { readonly kind: 'strangers-came'; readonly count: number }
  | { readonly kind: 'strangers-left'; readonly count: number }
  /** Connections or dial attempts changed, and then settled. */
  | ({ readonly kind: 'connections-changed' } & Required<Omit<ConnectionSummary, 'openedAt'>>)
  /** The connected peer is another device with our key: the one that started later cannot write. */
  | { readonly kind: 'own-key-elsewhere'; readonly peer: string }
  /** A peer that the user named proved another key than the one that the name is bound to. It is not counted as that person. */
  | {
      readonly kind: 'other-key'
      /** The user's own name. */
      readonly me: string
      readonly name: string
      readonly key: string
      readonly pinned: string
    }
  /** Somebody has a new key, which the old one signed: their names are bound to it from now on. */
  | { readonly kind: 'key-renewed'; readonly name: string; readonly key: string; readonly before: string }
  /** The peer's clock is far ahead of ours, or, where negative, behind it. */
  | { readonly kind: 'clock-differs'; readonly peer: string; readonly aheadMs: number }
  /** Somebody became a member of the private room. */
  | { readonly kind: 'member-admitted'; readonly member: string; readonly by: string; readonly role: Role }
  /** A newcomer with a code waits until we decide, because the room is closed. The name is empty unless the user knows them. */
  | { readonly kind: 'admission-asked'; readonly name: string; readonly key: string; readonly isClaimed?: boolean }
  /** Somebody is no longer a member: they left or were removed. */
  | { readonly kind: 'member-gone'; readonly member: string; readonly by?: string }
  /** We are no longer a member of the room: we left or were removed. */
  | { readonly kind: 'membership-ended'; readonly by?: string }
  /** More people were admitted by one invitation than it allows. */
  | { readonly kind: 'invitation-overused'; readonly members: readonly string[]; readonly uses: number }
  /** A code that was entered before has admitted us to a private room. */
  | { readonly kind: 'room-entered'; readonly room: string }
  /** Somebody wrote to the user in a direct room that no face shows. */
  | { readonly kind: 'direct-message'; readonly room: string; readonly name: string }
  /** Somebody whom the user knows, but does not talk with yet, wrote to them directly. The name is empty if it is not plain. */
  | { readonly kind: 'message-request'; readonly name: string; readonly key: string }
  /** Strangers wrote to the user directly: how many wait for an answer. At most once a minute. */
  | { readonly kind: 'strangers-ask'; readonly count: number }
  /** A member signed two histories of operations. */
  | { readonly kind: 'operations-forked'; readonly member: string }

/** What a peer sent that was not accepted. */
type PeerEvent = SyncEvent & { readonly peer: string }

/**
 * Everything that a node reports. Discriminated by `kind`, serialisable as JSON. Kinds and fields are stable; what peers sent is
 * neither sanitised nor translated: sentences are made by `ui/text`.
 */
export type NodeEvent = LogEvent | NetEvent | PeerEvent | RoomEvent

/** Every kind, and whether it is a problem or a change that is worth knowing. docs/events.md lists them. */
export const EVENT_KINDS = {
  'admission-asked': 'change',
  announced: 'change',
  'clock-differs': 'problem',
  'clock-unset': 'problem',
  'connection-lost': 'change',
  'connection-opened': 'change',
  'connections-changed': 'change',
  'database-damaged': 'problem',
  'database-repaired': 'problem',
  'dial-failed': 'problem',
  'dialled-self': 'problem',
  'directory-open-to-others': 'problem',
  'direct-message': 'change',
  'disk-failed': 'problem',
  'disk-recovered': 'change',
  'entries-lost': 'problem',
  'entries-missing': 'problem',
  'entries-rejected': 'problem',
  'entry-damaged': 'problem',
  'entry-recovered': 'change',
  'fork-proven': 'problem',
  'invitation-overused': 'problem',
  'key-created': 'change',
  'key-open-to-others': 'problem',
  'key-renewed': 'problem',
  'key-without-entries': 'problem',
  listening: 'change',
  'log-end-restored': 'problem',
  'log-stopped': 'problem',
  'logs-opened': 'change',
  'mark-failed': 'problem',
  'member-admitted': 'change',
  'member-gone': 'change',
  'membership-ended': 'problem',
  'message-request': 'change',
  'multicast-failed': 'problem',
  'multicast-port-unavailable': 'problem',
  'no-interface': 'problem',
  'older-version': 'problem',
  'other-key': 'problem',
  'operations-forked': 'problem',
  'own-key-elsewhere': 'change',
  'peer-left': 'change',
  'port-taken': 'problem',
  'protocol-violated': 'problem',
  'room-entered': 'change',
  'run-opened': 'problem',
  'strangers-ask': 'change',
  'strangers-came': 'change',
  'strangers-left': 'change',
} as const satisfies Record<NodeEvent['kind'], 'problem' | 'change'>
