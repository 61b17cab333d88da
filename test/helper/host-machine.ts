import type { Duplex } from 'node:stream'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { systemRandom } from '../../src/base/random.js'
import { connectFace } from '../../src/host/client/connect.js'
import { Face } from '../../src/host/client/face.js'
import type { CodecVersion } from '../../src/host/protocol/codec.js'
import type { FaceEvent } from '../../src/host/protocol/events.js'
import type { RoomOptions } from '../../src/host/protocol/options.js'
import { loadSecret } from '../../src/host/protocol/secret.js'
import { connectTo, listenAt } from '../../src/host/protocol/socket.js'
import { DirectRooms } from '../../src/host/server/direct-rooms.js'
import { NodeStore } from '../../src/host/server/node-store.js'
import { type EndReason, NodeServer } from '../../src/host/server/server.js'
import { type AuthorId, authorOfKey } from '../../src/log/format/author.js'
import { roomId } from '../../src/log/format/room-id.js'
import { CLIENT_BYTES } from '../../src/log/request-id.js'
import { Connections } from '../../src/net/connections.js'
import { RoomChannels } from '../../src/net/room-channels.js'
import { DirectRoom } from '../../src/node/direct-rooms/direct-room.js'
import { MessageRequests } from '../../src/node/direct-rooms/message-requests.js'
import type { NodeEvent } from '../../src/node/events.js'
import { Pins } from '../../src/node/people/pins.js'
import { Room } from '../../src/node/room.js'
import { Replicator } from '../../src/sync/replicator.js'
import type { Cleanup } from './child.js'
import { logOver } from './logs.js'
import { MemoryDisk, MemoryStore } from './memory-store.js'
import { alice } from './signed-world.js'
import { temporaryDirectory } from './temporary-directory.js'

/** A node in this process. */
export interface RunningNode {
  readonly server: NodeServer
  /** Its rooms, by name. */
  readonly peers: Map<string, Room>
  readonly sockets: Set<Duplex>
  readonly ended: Promise<EndReason>
  stopListening(): Promise<void>
}

export const LOBBY_OPTIONS: RoomOptions = {
  room: undefined,
  peers: [],
  listen: undefined,
  isDiscovering: false,
  isEncryptedOnly: false,
}

interface MachineOptions {
  readonly codec?: CodecVersion
  readonly stays?: boolean
  readonly clock?: Clock
  readonly hasPeerExchange?: boolean
  /** A known person, bob, with whom the user has a direct room. */
  readonly bob?: AuthorId
}

/** One user's machine: logs in memory, a node that serves them, and faces with real sockets between them. */
export class HostMachine {
  readonly directory: string
  readonly events: FaceEvent[] = []
  readonly clock: Clock
  node: RunningNode | undefined
  starts = 0
  /** Called before each room is opened; may throw. */
  onOpen: (report: (event: NodeEvent) => void) => void = () => {}
  /** Closed rooms that a peer may come to, with what to call then. */
  readonly watched = new Map<string, () => void>()
  /** Called with each room before it serves any face. */
  onPeer: (peer: Room) => void = () => {}
  readonly #options: MachineOptions
  #ownDisk = new MemoryDisk()
  readonly #disks = new Map<string, MemoryDisk>()
  #starting: Promise<RunningNode> | undefined

  private constructor(directory: string, options: MachineOptions) {
    this.directory = directory
    this.#options = options
    this.clock = options.clock ?? systemClock
  }

  static async open(cleanup: Cleanup, options: MachineOptions = {}): Promise<HostMachine> {
    const machine = new HostMachine(await temporaryDirectory(cleanup), options)
    cleanup.after(() => machine.crash())
    return machine
  }

  get peer(): Room {
    const peer = this.node?.peers.get('lobby')
    if (peer === undefined) throw new Error('the lobby is not open')
    return peer
  }

  start(): Promise<RunningNode> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async face(cleanup: Cleanup, options: RoomOptions = LOBBY_OPTIONS, codec?: CodecVersion): Promise<Face> {
    const client = systemRandom.bytes(CLIENT_BYTES)
    const onEvent = (event: FaceEvent): void => void this.events.push(event)
    const face = await Face.open({
      clock: this.clock,
      onEvent,
      connect: async before => {
        for (;;) {
          await this.start()
          const at = {
            me: 'alice',
            directory: this.directory,
            clock: this.clock,
            onEvent,
            ...(codec !== undefined && { codec }),
          }
          const connection = await connectFace(at, { client, options: before ?? options, isBack: before !== undefined })
          if (connection !== undefined) return connection
        }
      },
    })
    cleanup.after(async () => void (await face.close()))
    return face
  }

  /** A connection on which nothing was sent yet. */
  async socket(): Promise<Duplex> {
    await this.start()
    const socket = await connectTo(this.directory, this.clock)
    if (socket === undefined) throw new Error('nobody accepts')
    return socket
  }

  /** Ends the node as `kill -9` does: the next one finds the present content of the disk. */
  async crash(): Promise<void> {
    const { node } = this
    if (node === undefined) return
    this.node = undefined
    for (const [name, disk] of this.#disks) this.#disks.set(name, disk.copy())
    this.#ownDisk = this.#ownDisk.copy()
    await node.stopListening()
    this.#starting = undefined
    for (const socket of node.sockets) socket.destroy()
    await node.server.end('idle')
  }

  async #start(): Promise<RunningNode> {
    this.starts++
    const peers = new Map<string, Room>()
    const sockets = new Set<Duplex>()
    const store = new NodeStore(new MemoryStore(this.#ownDisk))
    const pins = await Pins.open(store)
    const direct = this.#options.bob && (await this.#direct(store, pins, this.#options.bob))
    const server = new NodeServer({
      me: 'alice',
      pid: process.pid,
      version: 'test',
      ...(this.#options.codec !== undefined && { codec: this.#options.codec }),
      secret: await loadSecret(this.directory),
      clock: this.clock,
      random: systemRandom,
      stays: this.#options.stays ?? false,
      store,
      pins,
      ...(direct !== undefined && { direct }),
      commands: () => Promise.reject(new Error('there are no commands here')),
      openRoom: async (options, report) => {
        this.onOpen(report)
        const peer = await this.#peer(options.room ?? 'lobby')
        peers.set(options.room ?? 'lobby', peer)
        this.onPeer(peer)
        return peer
      },
      watchRoom: async ({ room = 'lobby' }, onWanted) => {
        this.watched.set(room, onWanted)
        return () => void this.watched.delete(room)
      },
      onEvent: () => {},
      areFilesReplaced: () => false,
      log: () => {},
    })
    const accept = (socket: Duplex): void => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      server.accept(socket)
    }
    const stop = await listenAt(this.directory, accept)
    const stopListening = async (): Promise<void> => {
      if (this.node?.server === server) this.node = undefined
      this.#starting = undefined
      await stop()
    }
    server.serve(stopListening, async () => {})
    this.node = { server, peers, sockets, ended: server.ended, stopListening }
    return this.node
  }

  async #direct(store: NodeStore, pins: Pins, bob: AuthorId): Promise<DirectRooms> {
    if (pins.of('bob') === undefined) pins.pin({ name: 'bob', key: bob, since: 1, how: 'met' })
    const requests = await MessageRequests.open({
      store,
      now: () => this.clock.now(),
      isKnown: key => pins.isKnown(key),
    })
    const author = async (): Promise<AuthorId> => authorOfKey(alice.publicKey)
    return DirectRooms.open({
      me: 'alice',
      clock: this.clock,
      store,
      pins,
      requests,
      author,
      isConnected: async () => false,
    })
  }

  async #peer(room: string): Promise<Room> {
    const disk = this.#disks.get(room) ?? new MemoryDisk()
    this.#disks.set(room, disk)
    const id = roomId(room)
    const log = await logOver(new MemoryStore(disk), alice, { room: id, clock: systemClock })
    const nowhere = (): Promise<never> => Promise.reject(new Error('there is no network'))
    const swarm = new Connections({
      me: 'alice.local:1',
      keys: alice,
      plain: {},
      clock: this.clock,
      random: systemRandom,
      source: { dial: nowhere, listen: nowhere },
    })
    const channels = new RoomChannels(id, swarm)
    const { bob } = this.#options
    const opened = new Room({
      me: 'alice',
      room: room === 'lobby' ? undefined : room,
      log,
      connections: channels,
      replicator: new Replicator(log),
      clock: this.clock,
      random: systemRandom,
      keys: alice,
      hasPeerExchange: this.#options.hasPeerExchange ?? false,
      ...(bob !== undefined && room === '@bob' && { direct: new DirectRoom(authorOfKey(alice.publicKey), bob, 'bob') }),
    })
    channels.open()
    return opened
  }
}
