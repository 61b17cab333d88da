import type { KeyPair } from '../../base/crypto/signing.js'
import { systemRandom } from '../../base/random.js'
import { type Service, shortKeyOf } from '../../net/lan/mdns/service-records.js'
import { LanAutodial } from '../../net/overlay/lan-autodial.js'
import { RoomChannels } from '../../net/room-channels.js'
import type { NetworkedRoom, NetworkOptions, NodeNetwork, OpenNetwork } from '../connections/node-network.js'
import { distinctPeers, namedPeer } from '../connections/peer-name.js'
import type { NodeEvent } from '../events.js'
import type { RoomSeeker } from './room-seeker.js'

const ROOM_ID_BYTES = 32

export interface RoomSearchOptions extends NetworkOptions {
  readonly me: string
  readonly network: NodeNetwork
  readonly keys: KeyPair
  /** Names or addresses of peers to ask, besides those that are found. */
  readonly peers: readonly string[]
  readonly onEvent: (event: NodeEvent) => void
}

/** Connects to every peer on the network, because any of them may be able to admit the newcomer. */
export class RoomSearch implements NetworkedRoom {
  readonly tag = undefined
  readonly isMissingPeers = true
  readonly #options: RoomSearchOptions
  #open: OpenNetwork | undefined
  #channels: RoomChannels | undefined
  #autodial: LanAutodial | undefined
  #stop = (): void => {}

  constructor(options: RoomSearchOptions) {
    this.#options = options
  }

  /** Rejects as `NodeNetwork.enter`, and with BAD_NAME, BAD_ADDRESS or BAD_USAGE. */
  async start(seeker: RoomSeeker): Promise<void> {
    const { me, network, keys, peers } = this.#options
    const open = await network.enter(this, keys, this.#options)
    this.#open = open
    // A random room id, offered to nobody: it only serves to dial.
    const channels = new RoomChannels(systemRandom.bytes(ROOM_ID_BYTES), open.connections, () => false)
    this.#channels = channels
    channels.on('event', event => this.onEvent(event))
    channels.open()
    const { clock } = open.connections
    this.#autodial = new LanAutodial({
      connections: channels,
      clock,
      key: shortKeyOf(keys.publicKey),
      isCandidate: ({ key }) => !open.introductions.isConnectedTo(key),
      peerExchange: { discovered: () => {}, lost: () => {}, shouldDial: () => true },
    })
    open.announce()
    open.updateMissing()
    for (const service of open.discovery?.services ?? []) this.sighted(service)
    for (const { name, address } of distinctPeers(peers.map(peer => namedPeer(peer, me, open.address))))
      channels.add(name, address)
    this.#stop = open.introductions.seek(seeker)
  }

  /** Number of connected peers that were asked. */
  get askedCount(): number {
    return this.#open?.introductions.peerCount ?? 0
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

  async close(): Promise<void> {
    this.#stop()
    this.#channels?.close()
    if (this.#open !== undefined) await this.#options.network.leave(this)
    this.#open = undefined
  }
}
