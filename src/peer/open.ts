import { type Clock, systemClock } from '../base/clock.js'
import { ChatError } from '../base/errors.js'
import { checkName } from '../base/name.js'
import { systemRandom } from '../base/random.js'
import { PLAUSIBLE_MS, RELEASED_AT_MS } from '../base/release.js'
import { addressOfName } from '../discovery/hashed-port.js'
import { type Discovery, openDiscovery } from '../discovery/mdns.js'
import { resolver } from '../discovery/resolve.js'
import { loadKey } from '../log/identity.js'
import { LevelStore } from '../log/level-store.js'
import { Log } from '../log/log.js'
import { LOBBY } from '../log/room.js'
import { type Address, formatAddress, parseAddress, parseListen } from '../swarm/address.js'
import { Swarm } from '../swarm/swarm.js'
import { TcpTransport } from '../swarm/tcp.js'
import { type Home, homeOf } from './home.js'
import { Peer } from './peer.js'

export interface OpenPeerOptions {
  readonly me: string
  /** Names, or addresses as `host:port`. */
  readonly peers: readonly string[]
  /** `[host:]port`; without it the port hashed from `me`, on every interface. */
  readonly listen?: string
  /** Another conversation than the lobby. */
  readonly room?: string
  /** Directory that holds the databases of all users and rooms. */
  readonly data: string
  /** Whether names are announced and looked up on the local network. */
  readonly isDiscovering: boolean
  /** Whether a clock is right that says a time years after this release. */
  readonly isClockTrusted?: boolean
  /** Told what is worth knowing from the first moment on. */
  readonly onInfo: (line: string) => void
  readonly onWarning: (line: string) => void
}

/** Opens the logs, the port and the links of `me`. Rejects with a ChatError, leaving nothing open. */
export async function openPeer(options: OpenPeerOptions): Promise<Peer> {
  const { onInfo, onWarning } = options
  const home = homeOf(options.data, options.me, options.room)
  const { me, room } = home
  const usual = addressIn(me, room)
  const listen = options.listen === undefined ? { host: undefined, port: usual.port } : parseListen(options.listen)
  const own = formatAddress({ host: listen.host ?? usual.host, port: listen.port })
  const peers = options.peers.map(text => namedPeer(text, home, own))
  checkClock(systemClock, options.isClockTrusted ?? false, onWarning)

  const { log, keys } = await openLog(home, onWarning)
  onInfo(`logs in ${home.database}`)
  const closing: (() => Promise<void>)[] = [() => log.close()]
  try {
    let swarm: Swarm | undefined
    const discovery: Discovery | undefined = options.isDiscovering
      ? openDiscovery({ clock: systemClock, onWarning, onChange: () => swarm?.networkChanged() })
      : undefined
    if (discovery !== undefined) closing.push(() => discovery.close())
    const transport = new TcpTransport(systemClock, resolver(discovery && (host => discovery.lookup(host))))
    swarm = new Swarm({
      me: own,
      room: home.roomId,
      keys,
      isOpen: room === LOBBY,
      transport,
      clock: systemClock,
      random: systemRandom,
    })
    const open = swarm
    closing.push(() => open.close())
    await swarm.listen(listen.host, listen.port)
    onInfo(`listening on ${own}${room === LOBBY ? '' : ` in the room ${room}`}`)
    const mayBeAhead = !keys.isNew && (options.isDiscovering || peers.length > 0)
    const peer = new Peer({ me, log, swarm, discovery, clock: systemClock, mayBeAhead })
    peer.on('info', onInfo)
    peer.on('warning', onWarning)
    discovery?.announce(me)
    for (const { name, address } of peers) swarm.add(name, address)
    return peer
  } catch (error) {
    for (const close of closing.reverse()) await close()
    throw error
  }
}

/** Opens the logs alone, without any network. Rejects with a ChatError. */
export async function openLog(
  home: Home,
  onWarning: (line: string) => void,
): Promise<{ readonly log: Log; readonly keys: Awaited<ReturnType<typeof loadKey>> }> {
  // The database first: it is locked while a process has it, and that process has the key.
  const store = await LevelStore.openOrRepair(home.database, copy =>
    onWarning(
      `the logs were damaged: a copy is in ${copy}, and what could be saved is in use; the rest comes back from peers`,
    ),
  )
  try {
    const keys = await loadKey(home.keyFile, systemRandom)
    return { log: await Log.over(store, keys, { room: home.roomId }), keys }
  } catch (error) {
    await store.close()
    throw error
  }
}

function namedPeer(
  text: string,
  { me, room }: Home,
  own: string,
): { readonly name: string; readonly address: Address } {
  const isAddress = text.includes(':')
  const name = isAddress ? text : checkName(text, `the peer name ${JSON.stringify(text)}`)
  const address = isAddress ? parseAddress(text) : addressIn(name, room)
  if (name === me || formatAddress(address) === own) {
    throw new ChatError('BAD_USAGE', `the peer ${text} is yourself`, { hint: 'Name somebody else, or nobody.' })
  }
  return { name, address }
}

const addressIn = (name: string, room: string): Address => addressOfName(name, room === LOBBY ? undefined : room)

function checkClock(clock: Clock, isTrusted: boolean, onWarning: (line: string) => void): void {
  const now = clock.now()
  const date = new Date(now).toISOString().slice(0, 10)
  if (now < RELEASED_AT_MS)
    onWarning(`the clock of this machine says ${date}, which cannot be: it follows the clocks of the others`)
  if (now > RELEASED_AT_MS + PLAUSIBLE_MS && !isTrusted) {
    throw new ChatError('BAD_USAGE', `the clock of this machine says ${date}`, {
      hint: 'Set it right; or, if it is right, confirm it with --trust-clock.',
    })
  }
}
