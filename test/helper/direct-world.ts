import { systemClock } from '../../src/base/clock.js'
import { loadKey } from '../../src/base/crypto/key-file.js'
import { systemRandom } from '../../src/base/random.js'
import type { DirectPolicy } from '../../src/host/protocol/options.js'
import { DirectRooms } from '../../src/host/server/direct-rooms.js'
import { NodeStore } from '../../src/host/server/node-store.js'
import { type AuthorId, authorOfKey } from '../../src/log/format/author.js'
import { NodeNetwork } from '../../src/node/connections/node-network.js'
import { DirectRoom } from '../../src/node/direct-rooms/direct-room.js'
import { MessageRequests } from '../../src/node/direct-rooms/message-requests.js'
import type { NodeEvent } from '../../src/node/events.js'
import { secureHome } from '../../src/node/home-guard.js'
import { openRoom } from '../../src/node/open-room.js'
import { homeOf } from '../../src/node/paths.js'
import { Pins } from '../../src/node/people/pins.js'
import type { Room } from '../../src/node/room.js'
import type { Cleanup } from './child.js'
import { MemoryDisk, MemoryStore } from './memory-store.js'
import { temporaryDirectory } from './temporary-directory.js'

/** Alice's rooms in this process, and what a node does with direct messages. */
export class DirectWorld {
  readonly data: string
  readonly me: AuthorId
  readonly pins: Pins
  readonly requests: MessageRequests
  readonly direct: DirectRooms
  readonly network: NodeNetwork
  readonly events: NodeEvent[] = []
  /** Rooms that were opened because their person came. */
  readonly opened = new Set<string>()
  readonly rooms: { readonly peer: Room }[] = []
  readonly recycled: string[] = []

  private constructor(
    data: string,
    me: AuthorId,
    pins: Pins,
    requests: MessageRequests,
    direct: DirectRooms,
    policy: DirectPolicy,
  ) {
    this.data = data
    this.me = me
    this.pins = pins
    this.requests = requests
    this.direct = direct
    this.network = new NodeNetwork('alice', direct)
    direct.serve({
      nodeOptions: { listen: undefined, isDiscovering: false, isEncryptedOnly: false, direct: policy },
      open: this.rooms,
      openInBackground: async name => void this.opened.add(name),
      isInBackground: () => true,
      recycle: async name => void this.recycled.push(name),
      report: event => void this.events.push(event),
    })
  }

  static async start(cleanup: Cleanup, policy: DirectPolicy = 'anyone', disk = new MemoryDisk()): Promise<DirectWorld> {
    const data = await temporaryDirectory(cleanup)
    const home = homeOf(data, 'alice')
    await secureHome(home, () => {})
    const me = authorOfKey((await loadKey(home.keyFile, systemRandom)).publicKey)
    const store = new NodeStore(new MemoryStore(disk))
    const pins = await Pins.open(store)
    const requests = await MessageRequests.open({ store, now: () => Date.now(), isKnown: key => pins.isKnown(key) })
    const author = async () => me
    const direct = await DirectRooms.open({
      me: 'alice',
      clock: systemClock,
      store,
      pins,
      requests,
      author,
      isConnected: async () => false,
    })
    return new DirectWorld(data, me, pins, requests, direct, policy)
  }

  /** Opens the lobby, or the room of alice and one other person. */
  async open(cleanup: Cleanup, other?: AuthorId, name = 'bob'): Promise<Room> {
    const room = await openRoom({
      me: 'alice',
      data: this.data,
      network: this.network,
      pins: this.pins,
      peers: [],
      listen: '127.0.0.1:0',
      isDiscovering: false,
      onEvent: event => void this.events.push(event),
      ...(other !== undefined && { room: `@${name}`, direct: new DirectRoom(this.me, other, name) }),
    })
    this.rooms.push({ peer: room })
    cleanup.after(() => room.close())
    return room
  }
}
