import type { Duplex } from 'node:stream'
import type { Address } from './lan/address.js'

/** A connection as it comes from the network: bytes both ways, ended separately. */
export interface RawConnection extends Duplex {
  /** Bytes that have come in so far. */
  readonly bytesRead: number
  /** The other end's address on the network, without its port. */
  readonly remoteAddress: string
}

export interface Listener {
  readonly port: number
  close(): Promise<void>
}

/** Where an address leads on the network, best first; rejects, or gives nothing, where nobody answers. */
export type Lookup = (address: Address) => Promise<readonly Address[]>

/** Where connections come from. TCP in life, a virtual network in the simulator. */
export interface PeerSource {
  /** Rejects with SWARM_PORT_TAKEN or SWARM_LISTEN_FAILED. */
  listen(host: string | undefined, port: number, onConnection: (connection: RawConnection) => void): Promise<Listener>
  /** Rejects with a reason in words, within OPENING_MS_MAX after the name is known, or when `signal` calls it off. */
  dial(address: Address, signal: AbortSignal): Promise<RawConnection>
}
