import { type Clock, systemClock } from '../base/clock.js'
import { systemRandom } from '../base/random.js'
import { FileStore } from '../files/store/file-store.js'
import type { LogId } from '../log/format/author.js'
import { UNSET_CLOCK_BEFORE_MS } from '../log/format/hybrid-clock.js'
import { LOBBY } from '../log/format/room-id.js'
import type { Keep } from '../membership/format/body.js'
import type { PrivateRoom } from '../membership/format/room.js'
import { Quota } from '../sync/quota/stranger-quota.js'
import { Replicator } from '../sync/replicator.js'
import type { NetworkOptions, NodeNetwork } from './connections/node-network.js'
import { RoomNetwork } from './connections/room-network.js'
import type { DirectRoom } from './direct-rooms/direct-room.js'
import { firstLinesOf } from './direct-rooms/first-lines.js'
import { Erasures } from './erasures.js'
import type { NodeEvent } from './events.js'
import { RoomFiles } from './files/room-files.js'
import { keyCreated } from './home-guard.js'
import { homeOf } from './paths.js'
import { Pins } from './people/pins.js'
import { ChatLimits } from './private-rooms/chat-limits.js'
import type { RoomMembers } from './private-rooms/room-members.js'
import { Retention } from './retention/retention.js'
import { Room } from './room.js'
import { StoredLabels } from './stored-labels.js'
import { openLog, openMembers } from './stored-log.js'

export interface OpenRoomOptions extends NetworkOptions {
  readonly me: string
  /** The network of the node, shared by its rooms. */
  readonly network: NodeNetwork
  /** Names, or addresses as `host:port`. */
  readonly peers: readonly string[]
  /** Default: the lobby. */
  readonly room?: string | undefined
  /** The private room with the name `room`. */
  readonly privateRoom?: PrivateRoom | undefined
  /** The direct room with the name `room`. */
  readonly direct?: DirectRoom | undefined
  /** Whether this machine stays in the room, to store its lines for the others. Default: as before. */
  readonly isKeeper?: boolean | undefined
  /** Directory with the databases of all users and rooms. */
  readonly data: string
  /** Whether the caller made the key for this room. */
  readonly isNewKey?: boolean | undefined
  /** The people whom the user knows. Default: a set in memory, empty until the user names a peer. */
  readonly pins?: Pins | undefined
  /** How much disk space the node may use, in bytes. Default: no bound, and the largest share for strangers. */
  readonly diskBytesMax?: number | undefined
  /** Called from the start, before there is a room to listen to. */
  readonly onEvent: (event: NodeEvent) => void
}

/**
 * The composition root of a room: opens its log and its network, and the room that uses both. Rejects with a ChatError,
 * and leaves nothing open then.
 */
export async function openRoom(options: OpenRoomOptions): Promise<Room> {
  const { onEvent, privateRoom, direct } = options
  const home = homeOf(options.data, options.me, options.room, privateRoom?.id ?? direct?.id)
  const { pins = new Pins() } = options
  const network = new RoomNetwork({ ...options, pins, home, isPrivate: (privateRoom ?? direct) !== undefined })
  reportUnsetClock(systemClock, onEvent)
  // Private and direct rooms have no strangers.
  const quota =
    (privateRoom ?? direct) === undefined
      ? new Quota({ known: pins, clock: systemClock, diskBytesMax: options.diskBytesMax })
      : undefined
  const limits = privateRoom && new ChatLimits()
  let members: RoomMembers | undefined
  const { log, keys } = await openLog(home, onEvent, options.isNewKey, {
    known: pins,
    ...(quota && { quota }),
    ...limits?.logOptions,
    ...(direct && { lastAccepted: (each: LogId) => direct.lastOf(each) }),
  })
  onEvent({ kind: 'logs-opened', database: home.database })
  if (keys.isNew) onEvent(keyCreated(home))
  try {
    members = privateRoom && (await openMembers(home, privateRoom, { log, keys }, onEvent))
    members?.introduceAs(home.me, options.isKeeper)
    if (members !== undefined) await limits?.follow(log, members)
    const connections = await network.open(keys, members ?? direct)
    const files = await FileStore.open(home.files)
    const replicator = new Replicator(log)
    const roomKeep = (): Keep | undefined => members?.membership.keep
    const room = new Room({
      me: home.me,
      room: home.room === LOBBY ? undefined : home.room,
      members,
      direct,
      ...(limits && { chatPlaces: limits.places }),
      log,
      labels: await StoredLabels.open(log),
      erasures: await Erasures.open(log),
      files: new RoomFiles({
        store: files,
        channels: connections,
        log,
        clock: systemClock,
        random: () => systemRandom.number(),
        linesFrom: peer => members?.membership.linesFrom(peer),
      }),
      retention: await Retention.open({
        log,
        receipts: replicator.receipts,
        clock: systemClock,
        roomKeep,
        random: () => systemRandom.number(),
      }),
      replicator,
      connections,
      network,
      clock: systemClock,
      random: systemRandom,
      keys,
      listensOn: network.address,
      pins,
      announcedAs: key => network.announcedAs(key),
      hasPeerExchange: direct === undefined && network.hasPeerExchange,
    })
    room.on('event', onEvent)
    room.on('close', () => quota?.close())
    room.on('dropped', key => network.dropped(key))
    if (direct !== undefined) await askWith(room, direct, options.network)
    network.join(keys, room.peerExchange)
    return room
  } catch (error) {
    await network.close()
    await members?.close()
    await log.close()
    throw error
  }
}

/** Sends our lines as a message request to the other person of a direct room, if they do not talk with us yet. */
async function askWith(room: Room, direct: DirectRoom, network: NodeNetwork): Promise<void> {
  const contacts = (await network.opened())?.contacts
  if (contacts === undefined) return
  const remove = contacts.add({ direct, me: room.me, requestText: () => firstLinesOf(room) })
  room.on('heads', () => contacts.said(direct))
  room.on('close', remove)
}

function reportUnsetClock(clock: Clock, onEvent: (event: NodeEvent) => void): void {
  const nowMs = clock.now()
  if (nowMs < UNSET_CLOCK_BEFORE_MS) onEvent({ kind: 'clock-unset', nowMs })
}
