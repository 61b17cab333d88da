import type { Duplex } from 'node:stream'
import type { Address } from './lan/address.js'

/** A byte stream to an unproven peer. Each side ends its half independently. Errors close it and are never unhandled. */
export interface RawConnection extends Duplex {
  /** Bytes received so far. */
  readonly bytesRead: number
  /** Network address of the other end, without a port. */
  readonly remoteAddress: string
}

export interface Listener {
  readonly port: number
  close(): Promise<void>
}

/** Resolves an address to the addresses to dial, best first. Rejects, or resolves with none, if the host is unknown. */
export type Lookup = (address: Address) => Promise<readonly Address[]>

/**
 * A network that brings connections: TCP, or the simulated one. Its connections are not trusted: `Connections` runs the handshake on
 * them. Every implementation has to pass test/net/peer-source.suite.ts.
 */
export interface PeerSource {
  /** Accepts connections. Rejects with SWARM_PORT_TAKEN or SWARM_LISTEN_FAILED. */
  listen(host: string | undefined, port: number, onConnection: (connection: RawConnection) => void): Promise<Listener>
  /** Rejects with a `DialError`, within HANDSHAKE_MS_MAX after the host is resolved, or when `signal` is aborted. */
  dial(address: Address, signal: AbortSignal): Promise<RawConnection>
}
