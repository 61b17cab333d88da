import { existsSync, statSync } from 'node:fs'
import { systemClock } from '../../base/clock.js'
import { loadKey } from '../../base/crypto/key-file.js'
import { packageVersion } from '../../base/program-files.js'
import { systemRandom } from '../../base/random.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import { roomId } from '../../log/format/room-id.js'
import type { NodeNetwork } from '../../node/connections/node-network.js'
import { MessageRequests } from '../../node/direct-rooms/message-requests.js'
import type { NodeEvent } from '../../node/events.js'
import { checkKeyIsThere, secureHome } from '../../node/home-guard.js'
import { type Home, homeOf } from '../../node/paths.js'
import { Pins } from '../../node/people/pins.js'
import { elect } from '../election.js'
import { NODE_PROGRAM, type NodeStart } from '../protocol/node-start.js'
import { roomNameOf } from '../protocol/options.js'
import { loadSecret } from '../protocol/secret.js'
import { connectTo, listenAt } from '../protocol/socket.js'
import { DirectRooms } from './direct-rooms.js'
import { NodeStore } from './node-store.js'
import { NodeServer, type ServerParts } from './server.js'

/** Two thirds of the program's code. Loaded while the election waits for the disk. */
const roomModules = Promise.all([
  import('../../node/open-room.js'),
  import('../../node/connections/node-network.js'),
  import('./room-commands.js'),
  import('../../node/direct-rooms/direct-room.js'),
])
roomModules.catch(() => {}) // reported when a room is opened

export interface StartHooks {
  /** Called with a description of what the node does, which never contains what a user wrote. */
  readonly log: (event: string) => void
  /** Called with every event that the faces get. */
  readonly onEvent: (event: NodeEvent) => void
}

/**
 * Elects this process as the node of a home, and serves it. Undefined if another process serves it already. Rejects with a
 * ChatError: with LOG_LOCKED if a process that does not serve holds the lock.
 */
export async function startNode(start: NodeStart, { log, onEvent }: StartHooks): Promise<NodeServer | undefined> {
  const { me, data, stays } = start
  const home = homeOf(data, me)
  await secureHome(home, onEvent)
  await checkKeyIsThere(home)
  // Fail on an unusable key before anything is created.
  if (existsSync(home.keyFile)) await loadKey(home.keyFile, systemRandom)
  const secret = await loadSecret(home.directory)
  const lock = await elect(home.directory, { clock: systemClock, isServed: () => isServed(home.directory) })
  if (lock === undefined) return undefined
  try {
    const filesAt = filesChangedAt()
    const shared = await openShared(home, new NodeStore(lock.store))
    const { store, pins, requests, direct, network } = shared
    const server = new NodeServer({
      me: home.me,
      pid: process.pid,
      version: packageVersion(),
      secret,
      clock: systemClock,
      random: systemRandom,
      stays,
      store,
      pins,
      direct,
      commands: async rooms => {
        const [, , { RoomCommands }] = await roomModules
        const own = { me: home.me, data, clock: systemClock, random: systemRandom, store, pins, network: () => network }
        return new RoomCommands({ ...own, rooms })
      },
      openRoom: roomOpener(start, shared),
      watchRoom: roomWatcher(shared),
      onEvent,
      areFilesReplaced: () => filesChangedAt() !== filesAt,
      log,
    })
    const stop = await listenAt(home.directory, socket => server.accept(socket))
    server.serve(
      () => Promise.all([lock.ending(), stop()]).then(() => {}),
      () => Promise.all([pins.saved(), requests.saved()]).then(() => lock.release()),
    )
    return server
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** The parts that all rooms of a node share. */
interface Shared {
  readonly store: NodeStore
  readonly pins: Pins
  readonly requests: MessageRequests
  readonly direct: DirectRooms
  readonly network: Promise<NodeNetwork>
  readonly author: () => Promise<AuthorId>
}

async function openShared(home: Home, store: NodeStore): Promise<Shared> {
  const pins = await Pins.open(store)
  const requests = await MessageRequests.open({
    store,
    now: () => systemClock.now(),
    isKnown: key => direct.isKnown(key),
  })
  const author = async () => authorOfKey((await loadKey(home.keyFile, systemRandom)).publicKey)
  const direct: DirectRooms = await DirectRooms.open({
    me: home.me,
    clock: systemClock,
    store,
    pins,
    requests,
    author,
    isConnected: async key => (await (await network).opened())?.contacts.isConnected(key) ?? false,
  })
  const network = roomModules.then(([, { NodeNetwork }]) => new NodeNetwork(home.me, direct))
  network.catch(() => {}) // reported when a room is opened
  return { store, pins, requests, direct, network, author }
}

const roomOpener =
  ({ me, data, stays, options: first }: NodeStart, { store, pins, network, author }: Shared): ServerParts['openRoom'] =>
  async (options, report) => {
    const [[{ openRoom }, , , { DirectRoom }], known] = await Promise.all([roomModules, store.secretRoom(options.room)])
    const own = { me, data, pins, network: await network, onEvent: report }
    const pair = known?.direct && new DirectRoom(await author(), known.direct.other, known.direct.name)
    const isKeeper = stays && options.room === first.room
    const named = { isKeeper, room: known?.name ?? options.room, privateRoom: known?.privateRoom, direct: pair }
    return openRoom({ ...options, ...own, ...named })
  }

const roomWatcher =
  ({ store, network }: Shared): NonNullable<ServerParts['watchRoom']> =>
  async (options, onWanted) => {
    const known = await store.secretRoom(options.room)
    const secret = known?.privateRoom?.id ?? known?.direct?.id
    const room = secret ?? roomId(roomNameOf(options))
    return (await network).watch({ room, isSecret: secret !== undefined }, onWanted)
  }

/** Whether a node accepts connections at the socket of a home. */
async function isServed(directory: string): Promise<boolean> {
  const socket = await connectTo(directory, systemClock)
  socket?.destroy()
  return socket !== undefined
}

/** Identifies the program's file on disk: an update replaces it while the node runs. */
function filesChangedAt(): string {
  try {
    const { ino, mtimeMs } = statSync(NODE_PROGRAM)
    return `${ino} ${mtimeMs}`
  } catch {
    return 'missing'
  }
}
