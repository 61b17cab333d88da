import path from 'node:path'
import { systemClock } from '../base/clock.js'
import { ChatError } from '../base/errors.js'
import { checkName, pathPartOf } from '../base/name.js'
import { systemRandom } from '../base/random.js'
import { addressOfName } from '../discovery/hashed-port.js'
import { type Discovery, openDiscovery } from '../discovery/mdns.js'
import { resolver } from '../discovery/resolve.js'
import { Log } from '../log/log.js'
import { LOBBY, roomId } from '../log/room.js'
import { type Address, formatAddress, parseAddress, parseListen } from '../swarm/address.js'
import { Swarm } from '../swarm/swarm.js'
import { TcpTransport } from '../swarm/tcp.js'
import { Peer } from './peer.js'

export interface OpenPeerOptions {
  readonly me: string
  /** Names, or addresses as `host:port`. */
  readonly peers: readonly string[]
  /** `[host:]port`; without it the port hashed from `me`, on every interface. */
  readonly listen?: string
  /** Directory that holds the databases of all users and rooms. */
  readonly data: string
  /** Whether names are announced and looked up on the local network. */
  readonly isDiscovering: boolean
  /** Told what is worth knowing from the first moment on. */
  readonly onInfo: (line: string) => void
  readonly onWarning: (line: string) => void
}

/** Opens the logs, the port and the links of `me`. Rejects with a ChatError, leaving nothing open. */
export async function openPeer(options: OpenPeerOptions): Promise<Peer> {
  const { onInfo, onWarning } = options
  const me = checkName(options.me, `the name ${JSON.stringify(options.me)}`)
  const home = addressOfName(me)
  const listen = options.listen === undefined ? { host: undefined, port: home.port } : parseListen(options.listen)
  const own = formatAddress({ host: listen.host ?? home.host, port: listen.port })
  const peers = options.peers.map(text => namedPeer(text, me, own))

  const directory = path.join(options.data, pathPartOf(me), LOBBY)
  const log = await Log.open(directory)
  onInfo(`logs in ${directory}`)
  const closing: (() => Promise<void>)[] = [() => log.close()]
  try {
    let swarm: Swarm | undefined
    const discovery: Discovery | undefined = options.isDiscovering
      ? openDiscovery({ clock: systemClock, onWarning, onChange: () => swarm?.networkChanged() })
      : undefined
    if (discovery !== undefined) closing.push(() => discovery.close())
    const transport = new TcpTransport(systemClock, resolver(discovery && (host => discovery.lookup(host))))
    swarm = new Swarm({ me: own, room: roomId(LOBBY), transport, clock: systemClock, random: systemRandom })
    const open = swarm
    closing.push(() => open.close())
    await swarm.listen(listen.host, listen.port)
    onInfo(`listening on ${own}`)
    const peer = new Peer({ me, log, swarm, discovery })
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

function namedPeer(text: string, me: string, own: string): { readonly name: string; readonly address: Address } {
  const address = text.includes(':')
    ? parseAddress(text)
    : addressOfName(checkName(text, `the peer name ${JSON.stringify(text)}`))
  if (text === me || formatAddress(address) === own) {
    throw new ChatError('BAD_USAGE', `the peer ${text} is yourself`, { hint: 'Name somebody else, or nobody.' })
  }
  return { name: text, address }
}
