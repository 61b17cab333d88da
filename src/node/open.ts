import { existsSync } from 'node:fs'
import { type Clock, systemClock } from '../base/clock.js'
import { type LoadedKey, loadKey } from '../base/crypto/key-file.js'
import { type KeyPair, keyPairOf, SEED_BYTES } from '../base/crypto/signing.js'
import { ChatError } from '../base/errors.js'
import { systemRandom } from '../base/random.js'
import { openRowStore } from '../compat/scuttleup/row-store.js'
import { authorOfKey } from '../log/format/author.js'
import { UNSET_CLOCK_BEFORE_MS } from '../log/format/hybrid-clock.js'
import { LOBBY } from '../log/format/room-id.js'
import { Log } from '../log/log.js'
import { type FoundMark, OwnMark } from '../log/mark/own-mark.js'
import type { LogMark } from '../log/options.js'
import { LevelStore } from '../log/store/level-store.js'
import type { Fault } from '../log/store/leveldb/check.js'
import { Connections } from '../net/connections.js'
import { PROTOCOL_VERSION } from '../net/handshake/hello.js'
import { formatAddress, parseListen } from '../net/lan/address.js'
import { type Discovery, openDiscovery } from '../net/lan/mdns/discovery.js'
import { isHeardAt } from '../net/lan/mdns/interfaces.js'
import { resolver } from '../net/lan/mdns/resolve.js'
import { roomTag, type Service, serviceHost, shortKeyOf } from '../net/lan/mdns/service-records.js'
import { TcpSource } from '../net/lan/tcp.js'
import { LanAutodial } from '../net/overlay/lan-autodial.js'
import type { PeerExchange } from '../net/overlay/peer-exchange.js'
import { Replicator } from '../sync/replicator.js'
import { AnnounceNotice } from './announce-notice.js'
import { checkHome, checkKeyIsThere, secureHome } from './home-guard.js'
import { markPaths } from './marks.js'
import { type Home, homeOf } from './paths.js'
import { addressIn, distinctPeers, namedPeer } from './peer-name.js'
import { Room } from './room.js'

export interface OpenRoomOptions {
  readonly me: string
  /** Names, or addresses as `host:port`. */
  readonly peers: readonly string[]
  /** `[host:]port`; without it the port hashed from `me`, or a free one where that is taken, on every interface. */
  readonly listen?: string
  /** Another conversation than the lobby. */
  readonly room?: string
  /** Directory that holds the databases of all users and rooms. */
  readonly data: string
  /** Whether names are announced and looked up on the local network. */
  readonly isDiscovering: boolean
  /** Told what is worth knowing from the first moment on. */
  readonly onInfo: (line: string) => void
  readonly onWarning: (line: string) => void
}

/** Opens the logs, the port and the links of `me`. Rejects with a ChatError, leaving nothing open. */
export async function openRoom(options: OpenRoomOptions): Promise<Room> {
  const { onInfo, onWarning } = options
  const home = homeOf(options.data, options.me, options.room)
  const { me, room } = home
  const usual = addressIn(me, room)
  const listen = options.listen === undefined ? { host: undefined, port: usual.port } : parseListen(options.listen)
  const own = formatAddress({ host: listen.host ?? usual.host, port: listen.port })
  const peers = distinctPeers(options.peers.map(text => namedPeer(text, home, own)))
  warnOfUnsetClock(systemClock, onWarning)

  const { log, keys } = await openLog(home, onWarning)
  onInfo(`logs in ${home.database}`)
  if (keys.isNew) onInfo(newKeyLine(home))
  const closing: (() => Promise<void>)[] = [() => log.close()]
  try {
    let swarm: Connections | undefined
    let neighbours: LanAutodial | undefined
    const announcement = new AnnounceNotice(me, onInfo)
    const discovery: Discovery | undefined = options.isDiscovering
      ? openDiscovery({
          clock: systemClock,
          random: systemRandom.number,
          onWarning,
          onChange: () => swarm?.networkChanged(),
          onAnnounced: instance => announcement.update(instance, discovery?.interfaces ?? []),
          onSighted: service => neighbours?.sighted(service),
          onLost: (service, hasSaidGoodbye) => neighbours?.lost(service, hasSaidGoodbye),
        })
      : undefined
    if (discovery !== undefined) closing.push(() => discovery.close())
    const source = new TcpSource(systemClock, resolver(systemClock, discovery && (place => discovery.resolve(place))))
    swarm = new Connections({
      me: own,
      room: home.roomId,
      keys,
      acceptsScuttleup: room === LOBBY,
      source,
      clock: systemClock,
      random: systemRandom,
    })
    const open = swarm
    closing.push(() => open.close())
    const canMove = options.listen === undefined && discovery !== undefined
    const port = await listenOr(open, listen, canMove, onWarning)
    const heard = formatAddress({ host: listen.host ?? usual.host, port })
    onInfo(`listening on ${heard}${room === LOBBY ? '' : ` in the room ${room}`}`)
    const mayBeAhead = !keys.isNew && (options.isDiscovering || peers.length > 0)
    const peer = new Room({
      me,
      room: room === LOBBY ? undefined : room,
      log,
      replicator: new Replicator(log),
      connections: swarm,
      discovery,
      clock: systemClock,
      random: systemRandom,
      keys,
      hasPeerExchange: options.isDiscovering && listen.host === undefined,
      mayBeAhead,
    })
    peer.on('info', onInfo)
    peer.on('warning', onWarning)
    if (discovery !== undefined) {
      const service: Service = {
        instance: me,
        host: serviceHost(systemRandom.bytes(8)),
        port,
        version: PROTOCOL_VERSION,
        room: roomTag(home.roomId),
        key: shortKeyOf(keys.publicKey),
      }
      neighbours = meet(open, discovery, service, peers.length === 0 ? peer.peerExchange : undefined)
      peer.on('dropped', key => neighbours?.dropped(key))
      discovery.announce({ name: me, service, isOn: at => isHeardAt(listen.host, at) })
      discovery.browse()
    }
    for (const { name, address } of peers) swarm.add(name, address)
    return peer
  } catch (error) {
    for (const close of closing.reverse()) await close()
    throw error
  }
}

/** Shown once, at the start that created the key. */
export const newKeyLine = ({ me, keyFile }: Home): string => `created a new key for ${me}: ${keyFile}`

/** Opens the logs alone, without any network. Rejects with a ChatError. */
export async function openLog(
  home: Home,
  onWarning: (line: string) => void,
): Promise<{ readonly log: Log; readonly keys: LoadedKey }> {
  await secureHome(home, onWarning)
  await checkKeyIsThere(home)
  // Create the key before the database, so that a database without a key means the key was lost.
  const { isNew } = await loadKey(home.keyFile, systemRandom, onWarning)
  const store = await openStore(home, onWarning)
  let mark: OwnMark | undefined
  try {
    // Read it again now that the database is locked: `renew` may have replaced it meanwhile.
    const keys = { ...(await loadKey(home.keyFile, systemRandom)), isNew }
    mark = await openMark(home, keys, onWarning)
    const log = await Log.over(store, keys, {
      unsigned: openRowStore,
      room: home.roomId,
      mark,
      onWarning,
      isRepaired: store.isRepaired,
    })
    const heads = log.head
    if (!keys.isChecked && heads.length > 0 && !heads.some(({ author }) => author === log.id)) {
      onWarning(
        `the key ${home.keyFile} has no entries in these logs, and its file has no checksum line that would reveal damage; ` +
          'if you have written here before, restore the key from a backup',
      )
    }
    return { log, keys }
  } catch (error) {
    await mark?.release()
    await store.close()
    throw error
  }
}

/** The database in `home`, repaired where it was damaged. */
export function openStore(home: Home, onWarning: (line: string) => void): Promise<LevelStore> {
  return LevelStore.openOrRepair(home.database, (kept, faults) =>
    onWarning(
      `the logs were damaged (${listed(faults)}) and have been repaired; the damaged files are kept in ${kept}, and what is missing comes back from peers`,
    ),
  )
}

/** The mark of the log that `keys` extend in `home`, open for writing. */
export function openMark(home: Home, keys: KeyPair, onWarning: (line: string) => void): Promise<OwnMark> {
  const author = authorOfKey(keys.publicKey)
  return OwnMark.open({ ...markPaths(home, author), author, random: systemRandom, onWarning })
}

export interface LogCopy {
  readonly log: Log
  /** What was found wrong with the files of the database. */
  readonly faults: readonly Fault[]
  /** Where the logs are known to end from outside of the database. */
  readonly found: FoundMark
  /** Whether the key is there whose log this user extends. */
  readonly hasKey: boolean
}

/**
 * Opens a copy of the logs, to read from: nothing of them is made, changed or locked, and the chat may run meanwhile.
 * Rejects with a ChatError.
 */
export async function openLogCopy(home: Home, onWarning: (line: string) => void): Promise<LogCopy> {
  await checkHome(home, onWarning)
  const hasKey = existsSync(home.keyFile)
  const keys = hasKey ? await loadKey(home.keyFile, systemRandom, onWarning) : keyPairOf(systemRandom.bytes(SEED_BYTES))
  const author = authorOfKey(keys.publicKey)
  // Before the copy is made: what is noted is in the database by then, or was never acknowledged.
  const found = await OwnMark.read(markPaths(home, author), author)
  const { store, faults } = await LevelStore.openCopy(home.database)
  const log = await Log.over(store, keys, {
    unsigned: openRowStore,
    room: home.roomId,
    isRepaired: store.isRepaired,
    ...(found.mark !== undefined && { mark: readOnlyMark(found) }),
    onWarning,
  })
  return { log, faults, found, hasKey }
}

/** What was on its way to the disk when the process was killed is in the copy too. */
function readOnlyMark({ mark, heads }: FoundMark): LogMark {
  const nothing = async (): Promise<void> => {}
  const found = mark?.isClean === true ? { ...mark, batch: undefined } : mark
  return { found, heads, isMoved: false, note: nothing, level: nothing, close: nothing }
}

const listed = (faults: readonly Fault[]): string => faults.map(({ file, what }) => `${file} ${what}`).join(', ')

/** Listens; where the port is taken and peers can be told another, on a free one. Gives the port. */
async function listenOr(
  swarm: Connections,
  { host, port }: { readonly host: string | undefined; readonly port: number },
  canMove: boolean,
  onWarning: (line: string) => void,
): Promise<number> {
  try {
    return await swarm.listen(host, port)
  } catch (error) {
    if (!canMove || !(error instanceof ChatError) || error.code !== 'SWARM_PORT_TAKEN') throw error
    const free = await swarm.listen(host, 0)
    onWarning(
      `${error.message}: listening on port ${free} instead. Peers on this network are told; ` +
        'those of the original program cannot link to you.',
    )
    return free
  }
}

/** Lets those who are found on the network be dialled, or tried again. */
function meet(
  swarm: Connections,
  discovery: Discovery,
  { key, room }: Service,
  peerExchange: PeerExchange | undefined,
): LanAutodial {
  const onMissing = (isMissing: boolean): void => discovery.setMissing(isMissing)
  const neighbours = new LanAutodial({ connections: swarm, clock: systemClock, key, room, peerExchange, onMissing })
  swarm.on('change', () => neighbours.update())
  swarm.on('disconnection', () => {
    for (const service of discovery.services) neighbours.sighted(service)
  })
  neighbours.update()
  return neighbours
}

function warnOfUnsetClock(clock: Clock, onWarning: (line: string) => void): void {
  const now = clock.now()
  if (now < UNSET_CLOCK_BEFORE_MS)
    onWarning(`the system clock (${new Date(now).toISOString().slice(0, 10)}) is wrong; using the peers' timestamps`)
}
