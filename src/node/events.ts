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
  /** `count` more strangers came since the last notice about one, a minute ago. */
  'strangers-came': change({ count }),
  /** `count` more strangers left since the last notice about one. */
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
  /** A peer that the user, `me`, named proved another key than the one that the name is bound to; it is not counted as that person. */
  'other-key': problem({ me: text, name: text, key: text, pinned: text }),
  /** The old key of a name signed a new one: the name is bound to it from now on. */
  'key-renewed': problem({ name: text, key: text, before: text }),
  /** The old key of a name signed a second new one, `other`: the user, `me`, has to choose. */
  'key-renewed-twice': problem({ me: text, name: text, key: text, other: text }),
  /** The peer's clock is far ahead of ours or, where negative, behind it. */
  'clock-differs': problem({ peer: text, aheadMs: number }),
  /** Somebody became a member of the private room; with `isRescue` by its rescue words. */
  'member-admitted': change({ member: text, by: text, role: oneOf(ROLES), isRescue: optional(boolean) }),
  /**
   * A newcomer with a code waits until this admin decides, because the room is closed. With `isClaimed`, `name` is what they call
   * themselves, and unproven; it is empty if that is no plain name, or looks like the name of somebody whom the user knows or who is
   * in the room.
   */
  'admission-asked': change({ name: text, key: text, isClaimed: optional(boolean) }),
  /** Somebody is no longer a member: they were removed by somebody, with `isRescue` by the rescue words, or left. */
  'member-gone': change({ member: text, by: optional(text), isRescue: optional(boolean) }),
  /** The user is no longer a member of the room: they were removed by somebody, with `isRescue` by the rescue words, or left. */
  'membership-ended': problem({ by: optional(text), isRescue: optional(boolean) }),
  /** More people were admitted by one invitation than it allows. */
  'invitation-overused': problem({ members: listOf(text), uses: count }),
  /** A code that was entered before has admitted the user to a private room. */
  'room-entered': change({ room: text }),
  /** Somebody wrote to the user in a direct room that no face shows. */
  'direct-message': change({ room: text, name: text }),
  /** Somebody whom the user knows, but does not talk with yet, wrote to them directly; `name` is empty if it is not plain. */
  'message-request': change({ name: text, key: text }),
  /** Strangers wrote to the user directly, and `count` of them wait for an answer; at most once a minute. */
  'strangers-ask': change({ count }),
  /**
   * `count` messages, of which the first is at `seq` and begins with `first`, lie beyond the end of their author's membership: they
   * do not count any more.
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
  /** The room takes `bytes` more than the user lets it, because no other peer has its lines; 0: no more. */
  'disk-bound-exceeded': problem({ bytes: count, bytesMax: count }),
  /** A member signed two histories of operations. */
  'operations-forked': problem({ member: text }),
  /** Two histories of our operations were signed: `count` operations that are only in the one that does not count were signed again. */
  'operations-repeated': problem({ count }),
}

/** What a peer sent that was not accepted. */
const PEER_EVENTS = {
  'entries-rejected': problem({ peer: text, ...SYNC_EVENTS['entries-rejected'].fields }),
  'protocol-violated': problem({ peer: text, ...SYNC_EVENTS['protocol-violated'].fields }),
}

export const NODE_EVENTS = { ...LOG_EVENTS, ...NET_EVENTS, ...PEER_EVENTS, ...ROOM_EVENTS } satisfies EventKinds

export type RoomEvent = EventOf<typeof ROOM_EVENTS>

/**
 * Everything that a node reports. Discriminated by `kind`, serialisable as JSON. Kinds and fields are stable; what peers sent is
 * neither sanitised nor translated: sentences are made by `ui/text`.
 */
export type NodeEvent = EventOf<typeof NODE_EVENTS>

/** Every kind, and whether it is a problem or a change that is worth knowing. docs/events.md lists them. */
export const EVENT_KINDS = levelsOf(NODE_EVENTS)
