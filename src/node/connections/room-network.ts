import type { KeyPair } from '../../base/crypto/signing.js'
import { roomTag, type Service, shortKeyOf } from '../../net/lan/mdns/service-records.js'
import { DIAL_ALL, type DialPolicy, LanAutodial } from '../../net/overlay/lan-autodial.js'
import type { PeerExchange } from '../../net/overlay/peer-exchange.js'
import { RoomChannels } from '../../net/room-channels.js'
import type { Circle } from '../circle.js'
import type { NodeEvent } from '../events.js'
import type { Home } from '../paths.js'
import { memberChannels } from '../private-rooms/member-channels.js'
import { RoomMembers } from '../private-rooms/room-members.js'
import type { NetworkedRoom, NetworkOptions, NodeNetwork, OpenNetwork } from './node-network.js'
import { distinctPeers, listeningPlace, type NamedPeer, namedPeer } from './peer-name.js'

export interface RoomNetworkOptions extends NetworkOptions {
  readonly home: Home
  readonly network: NodeNetwork
  /** Whether the room is hidden from everybody but its people. */
  readonly isPrivate?: boolean
  /** Names, or addresses as `host:port`. */
  readonly peers: readonly string[]
  readonly onEvent: (event: NodeEvent) => void
}

/** The network of one room: its channels on the node's connections, and which peers it dials. */
export class RoomNetwork implements NetworkedRoom {
  readonly tag: string | undefined
  readonly peers: readonly NamedPeer[]
  readonly #options: RoomNetworkOptions
  #open: OpenNetwork | undefined
  #channels: RoomChannels | undefined
  #autodial: LanAutodial | undefined
  #circle: Circle | undefined
  #unfollowMembers = (): void => {}

  /** Opens nothing yet. Throws BAD_NAME, BAD_ADDRESS or BAD_USAGE. */
  constructor(options: RoomNetworkOptions) {
    this.#options = options
    const { home, listen, peers, isPrivate = false } = options
    const { address } = listeningPlace(home.me, listen)
    this.tag = isPrivate ? undefined : roomTag(home.roomId)
    this.peers = distinctPeers(peers.map(text => namedPeer(text, home.me, address)))
  }

  /** Whether peers on other machines can reach this one, so that its address may be passed on. */
  get hasPeerExchange(): boolean {
    return this.#open?.isPassedOn ?? false
  }

  /** The instance name under which the peer with this key is announced; undefined if it is not. */
  announcedAs(key: string): string | undefined {
    return this.#open?.discovery?.services.find(service => key.startsWith(service.key))?.instance
  }

  /** Where it listens, as `host:port`. */
  get address(): string {
    return this.#open?.address ?? ''
  }

  /**
   * Listens, unless another room of the node does. `circle` are the people of a room that is not public. Rejects with SWARM_PORT_TAKEN,
   * SWARM_LISTEN_FAILED or BAD_USAGE.
   */
  async open(keys: KeyPair, circle?: Circle): Promise<RoomChannels> {
    const { home, network, onEvent } = this.#options
    const open = await network.enter(this, keys, this.#options)
    this.#open = open
    onEvent({ kind: 'listening', address: open.address, room: home.room })
    this.#circle = circle
    this.#channels = this.#channelsOn(open)
    return this.#channels
  }

  /**
   * Opens the channels, announces the room, and dials the named peers; if none are named, dials the peers found on the
   * network.
   */
  join(keys: KeyPair, peerExchange: PeerExchange | undefined): void {
    const [open, channels] = [this.#open, this.#channels]
    if (open === undefined || channels === undefined) return
    channels.open()
    if (open.discovery !== undefined) {
      const policy = peerExchange ?? (this.#circle && DIAL_ALL)
      this.#dialFound(
        open,
        channels,
        shortKeyOf(keys.publicKey),
        this.peers.length === 0 || this.#isDirect ? policy : undefined,
      )
      open.announce()
      for (const service of open.discovery.services) this.sighted(service)
    }
    for (const { name, address } of this.peers) channels.add(name, address)
  }

  /** The channel to a peer was closed because the view is full: the peer is not dialled when it is discovered again. */
  dropped(key: string): void {
    this.#autodial?.dropped(key)
  }

  onEvent(event: NodeEvent): void {
    this.#options.onEvent(event)
  }

  sighted(service: Service): void {
    this.#autodial?.sighted(service)
  }

  lost(service: Service, hasSaidGoodbye: boolean): void {
    this.#autodial?.lost(service, hasSaidGoodbye)
  }

  get isMissingPeers(): boolean {
    return this.#autodial?.isMissingPeers ?? false
  }

  async close(): Promise<void> {
    this.#unfollowMembers()
    if (this.#open !== undefined) await this.#options.network.leave(this)
    this.#open = undefined
  }

  /** The room's channels: open to everyone, or in a room that is not public, to its people. */
  #channelsOn({ connections, introductions }: OpenNetwork): RoomChannels {
    const circle = this.#circle
    if (!(circle instanceof RoomMembers))
      return new RoomChannels(this.#options.home.roomId, connections, circle && (key => circle.isMember(key)))
    const { channels, close } = memberChannels(circle, connections, introductions)
    this.#unfollowMembers = close
    return channels
  }

  /** Whether this is a direct room: its other person is dialled wherever discovery finds them. */
  get #isDirect(): boolean {
    return this.#circle !== undefined && !(this.#circle instanceof RoomMembers)
  }

  /** Peers announce their public rooms; the people of other rooms are recognised by their keys. */
  #isCandidate({ rooms, key }: Service): boolean {
    if (this.tag !== undefined) return rooms.includes(this.tag)
    for (const author of this.#circle?.authors ?? []) if (author.startsWith(key)) return true
    return false
  }

  #dialFound(open: OpenNetwork, channels: RoomChannels, key: string, peerExchange: DialPolicy | undefined): void {
    const { clock } = open.connections
    const isCandidate = (service: Service): boolean => this.#isCandidate(service)
    const autodial = new LanAutodial({ connections: channels, clock, key, isCandidate, peerExchange })
    this.#autodial = autodial
    const sightAll = (): void => {
      for (const service of open.discovery?.services ?? []) autodial.sighted(service)
    }
    channels.on('change', () => open.updateMissing())
    channels.on('disconnection', sightAll)
    if (this.#circle instanceof RoomMembers) this.#circle.on('change', sightAll)
    open.updateMissing()
  }
}
