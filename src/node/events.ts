import type { Millis } from '../base/clock.js'
import { KEY_FILE_EVENTS } from '../base/crypto/key-file.js'
import { change, type EventKinds, type EventOf, levelsOf, problem } from '../base/event-kinds.js'
import { DISK_FAILURE } from '../base/files/disk-faults.js'
import { boolean, count, listOf, number, oneOf, optional, record, text } from '../base/shape.js'
import { LOG_EVENTS } from '../log/events.js'
import { ROLES } from '../membership/format/role.js'
import { DIAL_ATTEMPT, type DialAttempt } from '../net/dial-target.js'
import { CLOSE_REASONS, NET_EVENTS } from '../net/events.js'
import { SYNC_EVENTS } from '../sync/events.js'

/** The connections of a room, and the dial attempts without success. */
export interface ConnectionSummary {
  /** Names of the connected peers. */
  readonly connected: readonly string[]
  /** The scuttleup peers among them, whose connections are not encrypted. */
  readonly plain?: readonly string[]
  readonly dialing: readonly DialAttempt[]
  /** When the newest connection opened, unless it replaced another one to its peer. */
  readonly openedAt?: Millis
  /** How many more peers are present according to the connected ones. */
  readonly indirect?: number
}

const INTERFACE = record<{ readonly name: string; readonly address: string }>({ name: text, address: text })

/** What happens to the home and the connections of a room. Names of peers are as the peers sent them. */
const ROOM_EVENTS = {
  ...KEY_FILE_EVENTS,
  /** A new key was created. */
  'key-created': change({ name: text, file: text }),
  /** The key signed no entry in these logs, and may be damaged: its file has no checksum. */
  'key-without-entries': problem({ file: text }),
  /** Other users could `read` or `write` the directory; it was restricted, unless there is a `failure`. */
  'directory-open-to-others': problem({
    directory: text,
    access: oneOf(['read', 'write']),
    failure: optional(DISK_FAILURE),
  }),
  /** The system clock is behind the release of the program: the peers' timestamps are used. */
  'clock-unset': problem({ nowMs: number }),
  /** The logs are open. */
  'logs-opened': change({ database: text }),
  /** The room accepts connections. */
  listening: change({ address: text, room: text }),
  /** The usual port is in use; another one is used. */
  'port-taken': problem({ port: count, usedPort: count }),
  /** Peers on the network find us under `name`, on these interfaces and `more` others. */
  announced: change({
    name: text,
    chosenName: text,
    interfaces: listOf(INTERFACE),
    more: count,
  }),
  /** The first connection to a peer opened; `protocol` is `native` or `scuttleup`. */
  'connection-opened': change({ peer: text, protocol: oneOf(['native', 'scuttleup']) }),
  /** The last connection to a peer closed without a goodbye. */
  'connection-lost': change({ peer: text, reason: oneOf(CLOSE_REASONS) }),
  /** A peer said goodbye. */
  'peer-left': change({ peer: text }),
  /** `count` more strangers came in the minute since the last notice about a stranger who came. */
  'strangers-came': change({ count }),
  /** `count` more strangers left since the last notice about a stranger who left. */
  'strangers-left': change({ count }),
  /** Connections or dial attempts changed, and then settled. */
  'connections-changed': change({
    connected: listOf(text),
    plain: listOf(text),
    dialing: listOf(record<DialAttempt>(DIAL_ATTEMPT)),
    indirect: count,
  }),
  /** A peer is another device with our key. */
  'own-key-elsewhere': change({ peer: text }),
  /**
   * The user, `me`, named a peer, and it proved a key other than the one that the name is bound to: the name stays with the
   * old key.
   */
  'other-key': problem({ me: text, name: text, key: text, pinned: text }),
  /** The old key of a name signed a new one: the name is bound to it from now on. */
  'key-renewed': problem({ name: text, key: text, before: text }),
  /** The old key of a name signed a second new key, `other`: the user, `me`, has to choose. */
  'key-renewed-twice': problem({ me: text, name: text, key: text, other: text }),
  /** The peer's clock is far ahead of ours; far behind if `aheadMs` is negative. */
  'clock-differs': problem({ peer: text, aheadMs: number }),
  /** Somebody became a member of the private room; with `isRescue` by its rescue words. */
  'member-admitted': change({ member: text, by: text, role: oneOf(ROLES), isRescue: optional(boolean) }),
  /**
   * In a closed room, a newcomer with a code waits for this admin's decision. With `isClaimed`, `name` is what the
   * newcomer calls themselves, unproven. It is empty if the claimed name contains what no name may, or looks like the name of a
   * member or of somebody whom the user knows.
   */
  'admission-asked': change({ name: text, key: text, isClaimed: optional(boolean) }),
  /** A member left or, with `by`, was removed; with `isRescue`, the rescue words signed the removal. */
  'member-gone': change({ member: text, by: optional(text), isRescue: optional(boolean) }),
  /** The user left the room or, with `by`, was removed; with `isRescue`, the rescue words signed the removal. */
  'membership-ended': problem({ by: optional(text), isRescue: optional(boolean) }),
  /** More people were admitted by one invitation than it allows. */
  'invitation-overused': problem({ members: listOf(text), uses: count }),
  /** A code that was entered before has admitted the user to a private room. */
  'room-entered': change({ room: text }),
  /** Somebody wrote to the user in a direct room that no face shows. */
  'direct-message': change({ room: text, name: text }),
  /** Somebody whom the user knows, but does not talk with yet, wrote to them directly; `name` is empty if it contains what no name may. */
  'message-request': change({ name: text, key: text }),
  /** Strangers wrote to the user directly, and `count` of them wait for an answer; at most once a minute. */
  'strangers-ask': change({ count }),
  /**
   * `count` messages lie beyond the end of their author's membership, and are withdrawn. The first one is at `seq` and
   * begins with `first`.
   */
  'lines-withdrawn': problem({
    member: text,
    author: text,
    run: count,
    seq: count,
    count,
    first: text,
    isOurs: boolean,
  }),
  /** The room exceeds the user's size bound by `bytes`, because no other peer has its lines; 0: it fits again. */
  'disk-bound-exceeded': problem({ bytes: count, bytesMax: count }),
  /** A member signed two histories of operations. */
  'operations-forked': problem({ member: text }),
  /** Our operations forked: the `count` operations that are only on the losing branch were signed again. */
  'operations-repeated': problem({ count }),
}

/** Data from a peer that was rejected. */
const PEER_EVENTS = {
  'entries-rejected': problem({ peer: text, ...SYNC_EVENTS['entries-rejected'].fields }),
  'protocol-violated': problem({ peer: text, ...SYNC_EVENTS['protocol-violated'].fields }),
}

export const NODE_EVENTS = { ...LOG_EVENTS, ...NET_EVENTS, ...PEER_EVENTS, ...ROOM_EVENTS } satisfies EventKinds

export type RoomEvent = EventOf<typeof ROOM_EVENTS>

/**
 * Everything that a node reports. Discriminated by `kind`, serialisable as JSON. Kinds and fields are stable. Text from
 * peers is not sanitised, and nothing is translated: `ui/text` makes the sentences.
 */
export type NodeEvent = EventOf<typeof NODE_EVENTS>

/** Every kind, and whether it is a problem or a change that is worth knowing. docs/events.md lists them. */
export const EVENT_KINDS = levelsOf(NODE_EVENTS)
