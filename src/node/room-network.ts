import { systemClock } from '../base/clock.js'
import type { KeyPair } from '../base/crypto/signing.js'
import { ChatError } from '../base/errors.js'
import { systemRandom } from '../base/random.js'
import { LOBBY } from '../log/format/room-id.js'
import { Connections } from '../net/connections.js'
import { PROTOCOL_VERSION } from '../net/handshake/hello.js'
import { formatAddress, parseListen } from '../net/lan/address.js'
import { type Discovery, openDiscovery } from '../net/lan/mdns/discovery.js'
import { isReachableAt } from '../net/lan/mdns/interfaces.js'
import { resolver } from '../net/lan/mdns/resolve.js'
import { roomTag, type Service, serviceHost, shortKeyOf } from '../net/lan/mdns/service-records.js'
import { TcpSource } from '../net/lan/tcp.js'
import { LanAutodial } from '../net/overlay/lan-autodial.js'
import type { PeerExchange } from '../net/overlay/peer-exchange.js'
import { Announcement } from './announcement.js'
import type { NodeEvent } from './events.js'
import type { Home } from './paths.js'
import { addressIn, distinctPeers, type NamedPeer, namedPeer } from './peer-name.js'

export interface RoomNetworkOptions {
  readonly home: Home
  /** Names, or addresses as `host:port`. */
  readonly peers: readonly string[]
  /** `[host:]port`. Default: the port hashed from the name, or a free one if that is in use, on every interface. */
  readonly listen?: string | undefined
  /** Whether names are announced and looked up on the local network. */
  readonly isDiscovering: boolean
  /** Whether scuttleup peers, which cannot encrypt, are refused. Default: they may connect in the lobby. */
  readonly isEncryptedOnly?: boolean | undefined
  readonly onEvent: (event: NodeEvent) => void
}

/** The network of a room, once it listens. */
interface OpenNetwork {
  readonly connections: Connections
  readonly discovery: Discovery | undefined
  readonly port: number
  /** Where it listens, as `host:port`. */
  readonly address: string
}

/** The local network of one room: where it listens, how it is announced, and which peers it dials. */
export class RoomNetwork {
  readonly peers: readonly NamedPeer[]
  readonly #options: RoomNetworkOptions
  readonly #host: string | undefined
  readonly #port: number
  /** Our address, as peers know it. */
  readonly #address: string
  #connections: Connections | undefined
  #discovery: Discovery | undefined
  #autodial: LanAutodial | undefined

  /** Opens nothing yet. Throws BAD_NAME, BAD_ADDRESS or BAD_USAGE. */
  constructor(options: RoomNetworkOptions) {
    this.#options = options
    const { home, listen, peers } = options
    const usual = addressIn(home.me, home.room)
    const { host, port } = listen === undefined ? { host: undefined, port: usual.port } : parseListen(listen)
    this.#host = host
    this.#port = port
    this.#address = formatAddress({ host: host ?? usual.host, port })
    this.peers = distinctPeers(peers.map(text => namedPeer(text, home, this.#address)))
  }

  /** Whether peers on other machines can reach this one, so that its address may be passed on. */
  get hasPeerExchange(): boolean {
    return this.#options.isDiscovering && this.#host === undefined
  }

  /** Whether any peer may be found, or was named. */
  get mayMeetPeers(): boolean {
    return this.#options.isDiscovering || this.peers.length > 0
  }

  /** Listens. Rejects with SWARM_PORT_TAKEN or SWARM_LISTEN_FAILED. */
  async listen(keys: KeyPair): Promise<OpenNetwork> {
    const { home, isDiscovering, isEncryptedOnly = false, onEvent } = this.#options
    const discovery = isDiscovering ? this.#openDiscovery() : undefined
    const connections = new Connections({
      me: this.#address,
      room: home.roomId,
      keys,
      plain: {
        acceptsScuttleup: home.room === LOBBY,
        encryptedOnly: isEncryptedOnly,
        isAnnouncedNative: address => discovery?.isAnnouncedNative(address) ?? false,
      },
      source: new TcpSource(systemClock, resolver(systemClock, discovery && (place => discovery.resolve(place)))),
      clock: systemClock,
      random: systemRandom,
    })
    this.#connections = connections
    this.#discovery = discovery
    const port = await this.#listenOn(connections)
    const host = this.#host ?? addressIn(home.me, home.room).host
    const address = formatAddress({ host, port })
    onEvent({ kind: 'listening', address, room: home.room })
    return { connections, discovery, port, address }
  }

  /** Announces us, and dials the named peers; without any, peers that are found on the network. */
  join({ connections, discovery, port }: OpenNetwork, keys: KeyPair, peerExchange: PeerExchange | undefined): void {
    if (discovery !== undefined) {
      const { me, roomId } = this.#options.home
      const service: Service = {
        instance: me,
        host: serviceHost(systemRandom.bytes(8)),
        port,
        version: PROTOCOL_VERSION,
        room: roomTag(roomId),
        key: shortKeyOf(keys.publicKey),
      }
      this.#dialFound(connections, discovery, service, this.peers.length === 0 ? peerExchange : undefined)
      discovery.announce({ name: me, service, isOn: at => isReachableAt(this.#host, at) })
      discovery.browse()
    }
    for (const { name, address } of this.peers) connections.add(name, address)
  }

  /** The connection to a peer was closed because there are enough: the peer is not dialled again when it is discovered. */
  dropped(key: string): void {
    this.#autodial?.dropped(key)
  }

  async close(): Promise<void> {
    await this.#connections?.close()
    await this.#discovery?.close()
  }

  #openDiscovery(): Discovery {
    const { home, onEvent } = this.#options
    const announcement = new Announcement(home.me, onEvent)
    const discovery: Discovery = openDiscovery({
      clock: systemClock,
      random: systemRandom.number,
      onEvent,
      onChange: () => this.#connections?.networkChanged(),
      onAnnounced: instance => announcement.update(instance, discovery.interfaces),
      onSighted: service => this.#autodial?.sighted(service),
      onLost: (service, hasSaidGoodbye) => this.#autodial?.lost(service, hasSaidGoodbye),
    })
    return discovery
  }

  /** Returns the port: a free one if the usual one is in use, because peers that discover us learn it. */
  async #listenOn(connections: Connections): Promise<number> {
    const { listen, isDiscovering, onEvent } = this.#options
    try {
      return await connections.listen(this.#host, this.#port)
    } catch (error) {
      const canMove = listen === undefined && isDiscovering
      if (!canMove || !(error instanceof ChatError) || error.code !== 'SWARM_PORT_TAKEN') throw error
      const usedPort = await connections.listen(this.#host, 0)
      onEvent({ kind: 'port-taken', port: this.#port, usedPort })
      return usedPort
    }
  }

  #dialFound(
    connections: Connections,
    discovery: Discovery,
    { key, room }: Service,
    peerExchange: PeerExchange | undefined,
  ): void {
    const autodial = new LanAutodial({
      connections,
      clock: systemClock,
      key,
      room,
      peerExchange,
      onMissing: isMissing => discovery.setMissing(isMissing),
    })
    this.#autodial = autodial
    connections.on('change', () => autodial.update())
    connections.on('disconnection', () => {
      for (const service of discovery.services) autodial.sighted(service)
    })
    autodial.update()
  }
}
